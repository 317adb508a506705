import NIOCore
import RedisClient
import TestSupport
import Testing

@Suite("What mayHaveRun promises", .timeLimit(.minutes(2)))
struct AtMostOnceTests {
  /// What one worker counted.
  private struct Tally {
    var confirmed = 0
    var unknown = 0
    var notRun = 0
  }

  @Test("while connections are cut again and again: confirmed writes are there, those that did not run are not")
  func cutConnections() async throws {
    try await withServerAndClient(configure: {
      $0.reconnectDelay = .milliseconds(1)...Duration.milliseconds(5)
    }) { server, client in
      try await withThrowingTaskGroup(of: Tally?.self) { group in
        for worker in 0..<8 {
          group.addTask {
            var tally = Tally()
            for _ in 0..<300 {
              do throws(RedisError) {
                _ = try await client.send(RedisCommand("INCR", .string("count\(worker)")), key: nil)
                tally.confirmed += 1
              } catch {
                if error.mayHaveRun { tally.unknown += 1 } else { tally.notRun += 1 }
              }
            }
            // The cutter is still at work.
            let count = try await eventually("the count is read") {
              (try? await client.send(RedisCommand("GET", .string("count\(worker)")), key: nil))?.integer
            }
            #expect(count >= tally.confirmed)
            #expect(count <= tally.confirmed + tally.unknown, "something ran that was said not to have run")
            return tally
          }
        }
        group.addTask {
          // Ends when it is cancelled, once the workers are done.
          var other = server.configuration
          other.connectionName = "cutter"
          try await withClient(other) { cutter in
            while !Task.isCancelled {
              _ = try? await cutter.send(RedisCommand("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"), key: nil)
              try? await Task.sleep(for: .milliseconds(2))
            }
          }
          return nil
        }
        var total = Tally()
        for _ in 0..<8 {
          guard let tally = try await group.next() ?? nil else { continue }
          total.confirmed += tally.confirmed
          total.unknown += tally.unknown
        }
        group.cancelAll()
        #expect(total.confirmed > 0)
      }
    }
  }
}
