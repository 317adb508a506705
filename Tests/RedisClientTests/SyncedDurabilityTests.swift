import NIOCore
import RedisClient
import TestSupport
import Testing

/// What `WAITAOF` answers; the servers of the tests may be older than it.
@Suite("Synced durability", .timeLimit(.minutes(2)))
struct SyncedDurabilityTests {
  private let write = RedisScript(name: "write", source: "#!lua\nreturn 1")

  @Test(
    "a write counts when it is on the primary's disk and on those of enough replicas",
    arguments: [
      ("*2\r\n:1\r\n:1\r\n", ""), ("*2\r\n:1\r\n:2\r\n", ""), ("*2\r\n:0\r\n:1\r\n", "not on the primary's disk"),
      ("*2\r\n:1\r\n:0\r\n", "0 of 1 replicas"), ("-ERR unknown command 'WAITAOF'\r\n", "unknown command"),
    ])
  func answers(reply: String, expected: String) async throws {
    try await withFakeAndClient(
      configure: { $0.durability = .synced(replicas: 1, timeout: .seconds(3)) },
      answer: { command, _ in command[0] == "WAITAOF" ? reply : ":1\r\n" }
    ) { fake, client in
      do throws(RedisError) {
        _ = try await client.evaluate(write, keys: ["k"], arguments: [])
        #expect(expected.isEmpty)
      } catch {
        #expect(error.code == .notReplicated && error.mayHaveRun)
        #expect(!expected.isEmpty && error.message.contains(expected), "\(error)")
      }
      #expect(fake.commands.contains(["WAITAOF", "1", "1", "3000"]))
    }
  }
}
