internal import Synchronization

/// Hash tags in the slots of primaries, found once. Sendable: behind a mutex.
final class SlotTags: Sendable {
  private let tags = Mutex<[RedisEndpoint: String]>([:])

  /// A hash tag in one of a primary's slots. For a primary with a few slots of many it may be one of somebody else's, whom
  /// what is sent there then reaches.
  func tag(of primary: RedisEndpoint, _ table: SlotTable) -> String {
    if let tag = tags.withLock({ $0[primary] }), table.owner(of: HashSlot.of(tag)) == primary { return tag }
    var tag = ""
    for _ in 0..<8_192 {
      tag = String(UInt32.random(in: 0...UInt32.max), radix: 36)
      if table.owner(of: HashSlot.of(tag)) == primary { break }
    }
    tags.withLock { $0 = $0.filter { table.primaries.contains($0.key) }.merging([primary: tag]) { $1 } }
    return tag
  }
}
