internal import NIOCore

/// What to do with a command that a node of a cluster did not run. A value, one for each command that needs it.
///
/// Only what certainly was not run is ever sent again: MOVED, ASK, TRYAGAIN and CLUSTERDOWN are said before anything is. After a
/// lost connection nobody knows, and that is what the caller gets.
struct Redirection {
  /// How often a command follows, and how often it waits, before it is given up.
  static let limit = 5

  enum Step: Equatable {
    /// The caller gets this.
    case fail(RedisError)
    /// The slot is at this node for good.
    case moved(slot: Int, host: String, port: Int)
    /// This one time, the command belongs to this node.
    case ask(host: String, port: Int)
    /// The same again, after a pause.
    case again(after: TimeAmount)
    /// To whoever has the slot then, after a pause.
    case owner(after: TimeAmount)
    /// To whoever has the slot, if that is another node than the one that was asked.
    case newOwner
  }

  private var follows = 0
  private var pauses = 0

  /// - Parameter jitter: a number from 0 to 1 that chooses between the shortest and the longest pause.
  mutating func next(after error: RedisError, jitter: Double) -> Step {
    switch error.serverErrorPrefix {
    case "MOVED", "ASK":
      guard let target = RedirectTarget(error.message), follows < Self.limit else { return .fail(Self.lost(error)) }
      follows += 1
      if target.isForGood { return .moved(slot: target.slot, host: target.host, port: target.port) }
      return .ask(host: target.host, port: target.port)
    case "TRYAGAIN":
      guard let pause = pause(jitter) else { return .fail(error) }
      return .again(after: pause)
    case "CLUSTERDOWN":
      guard let pause = pause(jitter) else { return .fail(error) }
      return .owner(after: pause)
    case nil where error.code == .unavailable && !error.mayHaveRun && follows < Self.limit:
      follows += 1
      return .newOwner
    default: return .fail(error)
    }
  }

  /// Doubles from 25 ms, each drawn between half of it and all of it.
  private mutating func pause(_ jitter: Double) -> TimeAmount? {
    guard pauses < Self.limit else { return nil }
    let shortest = Int64(12_500_000) << pauses
    pauses += 1
    return .nanoseconds(shortest + Int64(Double(shortest) * jitter))
  }

  private static func lost(_ error: RedisError) -> RedisError {
    RedisError(
      code: .unavailable,
      message: "The nodes of the Redis Cluster send a command from one to the other: \(error.message)",
      mayHaveRun: false)
  }
}

/// Where MOVED or ASK sends a command. A value.
struct RedirectTarget: Equatable {
  let isForGood: Bool
  let slot: Int
  /// Empty: the host of the node that said so.
  let host: String
  let port: Int

  /// Reads `MOVED SLOT HOST:PORT` or `ASK SLOT HOST:PORT`; nil when it is neither.
  init?(_ message: String) {
    let words = message.split(separator: " ")
    guard words.count >= 3, words[0] == "MOVED" || words[0] == "ASK", let slot = Int(words[1]),
      (0..<HashSlot.count).contains(slot), let colon = words[2].lastIndex(of: ":"),
      let port = Int(words[2][words[2].index(after: colon)...]), (1...65_535).contains(port)
    else { return nil }
    isForGood = words[0] == "MOVED"
    self.slot = slot
    host = String(words[2][..<colon])
    self.port = port
  }
}
