internal import Basics
internal import RedisWire

/// What is asked behind writes that wait for replicas, and what the answer means. A value.
struct WriteBarrier {
  private let isSynced: Bool
  private let limit: RedisArgument
  /// Nil: a majority of those known.
  private let fixed: Int?
  private let known: KnownReplicas

  /// Nil when writes wait for nobody.
  init?(_ durability: RedisDurability, _ known: KnownReplicas) {
    guard let barrier = durability.barrier else { return nil }
    isSynced = barrier.isSynced
    limit = .integer(Int(barrier.timeout.wholeMilliseconds))
    fixed = barrier.replicas
    self.known = known
  }

  /// How many replicas have to confirm what is sent now.
  var needed: Int { fixed ?? known.majority }

  func command(_ needed: Int) -> RedisCommand {
    isSynced ? RedisCommand("WAITAOF", 1, .integer(needed), limit) : RedisCommand("WAIT", .integer(needed), limit)
  }

  /// Why a write is not even sent: nobody could confirm it.
  func refusal(at place: RedisPlace) -> RedisError? {
    guard fixed == nil, known.areGone else { return nil }
    return .unusable("No replica of Redis at \(place) is up that could confirm a write.")
  }

  /// What is missing, or nil when the write is safe.
  ///
  /// - Parameter needed: what the command asked for.
  func shortfall(_ confirmation: RedisValue, needed: Int) -> String? {
    let (isOnDisk, confirmed) =
      switch confirmation {
      case .integer(let count): (true, count)
      // WAITAOF: whether it is on the primary's own disk, and on how many replicas'.
      case .array(let counts): (counts.first?.integer == 1, counts.last?.integer ?? 0)
      default: (false, 0)
      }
    guard confirmed < needed || !isOnDisk else { return nil }
    let place = isOnDisk ? "" : "it is not on the primary's disk, and "
    return confirmation.errorMessage ?? "\(place)\(confirmed) of \(needed) replicas confirmed it in time"
  }
}
