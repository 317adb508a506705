internal import NIOCore
internal import Synchronization

/// How many replicas a primary has as far as is known, and how many of them must confirm a write. Sendable: behind a mutex.
///
/// Sentinels and the nodes of a cluster tell it, and count only replicas that they find up: a server that was cut off from them
/// still counts the replicas that are about to leave it, and must not decide for itself how few are enough. A server without
/// such witnesses tells it about itself.
final class KnownReplicas: Sendable {
  /// Who tells.
  enum Source: Sendable { case witnesses, server }

  /// Replicas beyond these are not counted, so that a majority stays within what `redisReplicas` may ask for.
  static let most = 31

  private let source: Source
  private let memory = Mutex(ReplicaMemory())

  init(from source: Source) { self.source = source }

  /// Witnesses count that many.
  func told(_ count: Int) { memory.withLock { $0.replace(min(count, Self.most)) } }

  /// The server itself counts that many; of no weight where there are witnesses.
  func reported(_ count: Int, now: NIODeadline) {
    guard source == .server else { return }
    memory.withLock { $0.saw(min(count, Self.most), now: now) }
  }

  /// How many are known; nil while nobody has told.
  var count: Int? { memory.withLock { $0.count } }

  /// More than half of those known, and never none.
  var majority: Int { max((count ?? 0) / 2 + 1, 1) }

  /// Whether witnesses say that none is left to confirm anything.
  var areGone: Bool { source == .witnesses && count == 0 }
}

/// How many replicas a server has, by what it says about itself. A value.
///
/// More count at once. Fewer count after a while: a primary that is being replaced loses one replica after the other, and what
/// the rest of them confirms meanwhile is lost with it.
struct ReplicaMemory {
  /// How long a replica that is gone is still counted.
  static let patience = TimeAmount.seconds(30)

  private(set) var count: Int?
  /// The most that were seen since there were fewer, and since when.
  private var fewer: (count: Int, since: NIODeadline)?

  mutating func saw(_ seen: Int, now: NIODeadline) {
    guard let count, seen < count else { return replace(seen) }
    guard let fewer else { return self.fewer = (seen, now) }
    let most = max(fewer.count, seen)
    guard now - fewer.since >= Self.patience else { return self.fewer = (most, fewer.since) }
    self.count = most
    self.fewer = seen < most ? (seen, now) : nil
  }

  mutating func replace(_ count: Int) {
    self.count = count
    fewer = nil
  }
}

/// What one witness says about the replicas of a primary. A value.
struct ReplicaCount: Sendable, Hashable {
  /// Those that it finds up.
  var up: Int
  /// Those that it knows and does not find up.
  var down: Int

  /// What several witnesses say together: the most that at least half of them find up; nil when nobody says anything.
  static func agreed(_ voices: [Int]) -> Int? {
    voices.isEmpty ? nil : voices.sorted(by: >)[(voices.count - 1) / 2]
  }
}
