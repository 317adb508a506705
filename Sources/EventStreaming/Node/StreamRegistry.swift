import Synchronization

/// How many streams this node has open, in all and for each participant. Sendable: a mutex inside.
final class StreamRegistry: Sendable {
  /// Whose streams are counted together.
  struct Key: Hashable, Sendable {
    var sessionID: String
    var participantID: String
  }

  private struct Counts {
    var total = 0
    /// Streams that wait for Redis before it is known whose they are.
    var waiting = 0
    var perParticipant: [Key: Int] = [:]
    var isDraining = false
  }

  private let counts = Mutex(Counts())
  private let perNode: Int
  private let perParticipant: Int

  init(perNode: Int, perParticipant: Int) {
    self.perNode = perNode
    self.perParticipant = perParticipant
  }

  /// Counts one more stream.
  ///
  /// - Parameter elsewhere: the participant's streams on other nodes. It is as old as its reading: of streams that open on
  ///   several nodes at once, all may be let in. What this node adds to them is never more than the limit.
  func enter(_ key: Key, elsewhere: Int = 0) throws(StreamRefusal) {
    let result: Result<Void, StreamRefusal> = counts.withLock { counts in
      guard !counts.isDraining else { return .failure(.draining) }
      guard counts.total < perNode else { return .failure(.nodeLimit(perNode)) }
      let before = counts.perParticipant[key] ?? 0
      guard before + elsewhere < perParticipant else { return .failure(.participantLimit(perParticipant)) }
      counts.perParticipant[key] = before + 1
      counts.total += 1
      return .success(())
    }
    try result.get()
  }

  /// Counts one less.
  func leave(_ key: Key) {
    counts.withLock { counts in
      counts.total -= 1
      let rest = (counts.perParticipant[key] ?? 1) - 1
      counts.perParticipant[key] = rest == 0 ? nil : rest
    }
  }

  /// Counts one more stream that waits for Redis.
  func enterWaiting() throws(StreamRefusal) {
    let result: Result<Void, StreamRefusal> = counts.withLock { counts in
      guard !counts.isDraining else { return .failure(.draining) }
      guard counts.total + counts.waiting < perNode else { return .failure(.nodeLimit(perNode)) }
      counts.waiting += 1
      return .success(())
    }
    try result.get()
  }

  /// Counts one less of them.
  func leaveWaiting() { counts.withLock { $0.waiting -= 1 } }

  /// The participant's streams on this node.
  func streams(of key: Key) -> Int { counts.withLock { $0.perParticipant[key] ?? 0 } }

  /// From now on every stream is refused.
  func drain() {
    counts.withLock { $0.isDraining = true }
  }

  /// The streams that are open.
  var total: Int { counts.withLock { $0.total } }
}

/// Why a stream was not opened. A value.
public enum StreamRefusal: Error, Sendable, Hashable {
  /// The participant has this many streams, over all nodes, and may have no more.
  case participantLimit(Int)
  /// The node has this many streams, and may have no more.
  case nodeLimit(Int)
  /// The node is shutting down.
  case draining
}
