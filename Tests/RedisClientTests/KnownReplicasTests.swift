import NIOCore
import RedisWire
import Testing

@testable import RedisClient

@Suite("How many replicas must confirm")
struct KnownReplicasTests {
  private func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(1 << 40) + .seconds(seconds) }

  @Test("more than half of those known, never none, and never more than may be asked for")
  func majority() {
    let known = KnownReplicas(from: .witnesses)
    #expect(known.majority == 1 && !known.areGone, "nobody has told yet")
    for (count, needed) in [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (31, 16), (1_000, 16)] {
      known.told(count)
      #expect(known.majority == needed)
      #expect(known.areGone == (count == 0))
    }
    known.reported(3, now: at(0))
    #expect(known.majority == 16, "where there are witnesses a server's own word does not count")
  }

  @Test("by a server's own word, more count at once and fewer after a while")
  func memory() {
    let known = KnownReplicas(from: .server)
    known.reported(0, now: at(0))
    #expect(known.count == 0 && !known.areGone, "WAIT decides")
    known.reported(3, now: at(1))
    known.reported(1, now: at(2))
    #expect(known.count == 3)
    known.reported(2, now: at(20))
    known.reported(1, now: at(31))
    #expect(known.count == 3, "29 s")
    known.reported(1, now: at(32))
    #expect(known.count == 2, "the most that was there meanwhile")
    known.reported(1, now: at(61))
    #expect(known.count == 2)
    known.reported(1, now: at(62))
    #expect(known.count == 1)
    known.reported(4, now: at(63))
    #expect(known.count == 4)
  }

  @Test("of what witnesses say, the most that at least half of them find up")
  func agreed() {
    #expect(ReplicaCount.agreed([]) == nil)
    #expect(ReplicaCount.agreed([1]) == 1)
    #expect(ReplicaCount.agreed([1, 2]) == 2)
    #expect(ReplicaCount.agreed([1, 1, 2]) == 1)
    #expect(ReplicaCount.agreed([2, 2, 1]) == 2)
  }

  private func bulk(_ text: String) -> RedisValue { .bytes(ByteBuffer(string: text)) }

  @Test("a Sentinel's list: those that are down, or without a link, are missing; a refusal says nothing")
  func sentinel() {
    func list(_ replicas: (flags: String, link: String)...) -> RedisValue {
      .array(
        replicas.map { replica in
          .array([bulk("flags"), bulk(replica.flags), bulk("master-link-status"), bulk(replica.link)])
        })
    }
    let count = ReplicaCount(
      sentinel: list(
        ("slave", "ok"), ("s_down,slave", "ok"), ("slave,disconnected", "ok"), ("slave,promoted", "ok"),
        ("slave", "err")))
    #expect(count == ReplicaCount(up: 2, down: 3))
    #expect(ReplicaCount(sentinel: list()) == ReplicaCount(up: 0, down: 0))
    #expect(ReplicaCount(sentinel: .error("NOPERM")) == nil)
    #expect(ReplicaCount(sentinel: .array([.integer(1)])) == nil)
  }

  @Test("a primary names its replicas in its ROLE, a replica and a Sentinel do not")
  func role() {
    let replica = RedisValue.array([bulk("127.0.0.1"), bulk("1"), bulk("0")])
    #expect(RedisHandshake.replicas(role: .array([bulk("master"), .integer(1), .array([replica, replica])])) == 2)
    #expect(RedisHandshake.replicas(role: .array([bulk("master"), .integer(1), .array([])])) == 0)
    #expect(RedisHandshake.replicas(role: .array([bulk("slave"), bulk("h"), .integer(1)])) == nil)
    #expect(RedisHandshake.replicas(role: .error("NOPERM")) == nil)
  }
}
