import Foundation
import Synchronization
import TestSupport
import Testing

@testable import EmbeddedRedis

/// Against the real redis-server.
@Suite struct EmbeddedRedisTests {
  @Test func startsServesAndStops() async throws {
    try await withTemporaryDirectory { directory in
      let serving = try await withEmbeddedRedis(quick(directory)) { serving in
        #expect(serving.origin == .started)
        #expect(try EmbeddedRedis.socketPath(quick(directory)) == serving.socketPath)
        try await expectReply("+OK", to: "SET greeting hello", at: serving.socketPath)
        try await expectReply("*2", to: "CONFIG GET appendfsync", at: serving.socketPath)
        return serving
      }
      #expect(!isRunning(serving.processIdentifier))
      #expect(!FileManager.default.fileExists(atPath: serving.socketPath))

      try await withEmbeddedRedis(quick(directory)) { again in
        try await expectReply(":1", to: "EXISTS greeting", at: again.socketPath)
      }
    }
  }

  @Test(arguments: [
    ("appendfsync", "always"), ("maxmemory-policy", "noeviction"), ("appendonly", "yes"), ("port", "0"), ("save", ""),
    ("maxmemory", "1073741824"),
  ])
  func isSetUpForDurability(name: String, expected: String) async throws {
    try await withTemporaryDirectory { directory in
      try await withEmbeddedRedis(quick(directory)) { serving in
        let reply = try await Program(
          name: "redis-cli", arguments: ["-s", serving.socketPath, "CONFIG", "GET", name]
        ).run()
        #expect(reply.output == "\(name)\n\(expected)\n")
      }
    }
  }

  @Test func aFullServerRefusesWritesKeepsItsDataAndTakesWritesAgain() async throws {
    try await withTemporaryDirectory { directory in
      var configuration = quick(directory)
      configuration.maximumMemory = 16 << 20
      try await withEmbeddedRedis(configuration) { serving in
        try await withConnection(serving.socketPath) { send in
          let text = String(repeating: "x", count: 60_000)
          var written = 0
          var reply = "+OK"
          while reply == "+OK", written < 1_000 {
            reply = try await send("SET key:\(written) \(text)")
            if reply == "+OK" { written += 1 }
          }
          #expect(reply.hasPrefix("-OOM "))
          #expect(written > 50)
          #expect(try await send("DBSIZE") == ":\(written)")
          #expect(try await send("DEL key:0 key:1 key:2") == ":3")
          #expect(try await send("SET key:0 again") == "+OK")
        }
      }
    }
  }

  @Test func othersCannotReachTheSocket() async throws {
    try await withTemporaryDirectory { directory in
      try await withEmbeddedRedis(quick(directory)) { serving in
        let folder = (serving.socketPath as NSString).deletingLastPathComponent
        for (path, mode) in [(folder, 0o700), (serving.socketPath, 0o700), (directory + "/redis", 0o700)] {
          let attributes = try FileManager.default.attributesOfItem(atPath: path)
          #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == mode, "\(path)")
        }
      }
    }
  }

  @Test func killedUnderLoadItComesBackWithEveryAcknowledgedWrite() async throws {
    try await withTemporaryDirectory { directory in
      try await withEmbeddedRedis(quick(directory)) { serving in
        let acknowledged = EntrySet()
        var server = serving.processIdentifier
        for round in 0..<3 {
          try await withThrowingTaskGroup(of: Void.self) { writers in
            for writer in 0..<4 {
              writers.addTask { [socketPath = serving.socketPath] in
                // Ends with the connection, that is, with the server.
                _ = try? await withConnection(socketPath) { send in
                  for number in 0... {
                    let entry = "\(round)-\(writer)-\(number)"
                    let reply = try await send("SADD written \(entry)")
                    if reply == ":1" { acknowledged.insert(entry) }
                  }
                }
              }
            }
            let before = acknowledged.entries.count
            try await eventually("some writes") { acknowledged.entries.count >= before + 300 }
            #expect(kill(server, SIGKILL) == 0)
            try await writers.waitForAll()
          }
          let killed = server
          server = try await eventually("another server") {
            let info = await RedisServerInfo.ask(socketPath: serving.socketPath, within: .seconds(2))
            return info.flatMap { $0.processIdentifier != killed && !$0.isLoading ? $0.processIdentifier : nil }
          }
          let entries = acknowledged.entries
          #expect(entries.count >= 300 * (round + 1))
          let lost = try await withConnection(serving.socketPath) { send in
            var lost: [String] = []
            for entry in entries where try await send("SISMEMBER written \(entry)") != ":1" { lost.append(entry) }
            return lost
          }
          #expect(lost.isEmpty)
        }
      }
    }
  }

  @Test func aTornTailIsCutOff() async throws {
    try await withTemporaryDirectory { directory in
      try await withEmbeddedRedis(quick(directory)) { serving in
        try await expectReply("+OK", to: "SET kept 1", at: serving.socketPath)
      }
      let incremental = try #require(
        try FileManager.default.contentsOfDirectory(atPath: directory + "/redis/appendonlydir")
          .first { $0.hasSuffix(".incr.aof") })
      let path = directory + "/redis/appendonlydir/" + incremental
      let handle = try #require(FileHandle(forWritingAtPath: path))
      let whole = try handle.seekToEnd()
      // A transaction that was being written when the power went.
      try handle.write(
        contentsOf: Data("*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$4\r\ntorn\r\n$1\r\n1\r\n*3\r\n$3\r\nSE".utf8))
      try handle.close()

      try await withEmbeddedRedis(quick(directory)) { serving in
        try await expectReply(":1", to: "EXISTS kept", at: serving.socketPath)
        try await expectReply(":0", to: "EXISTS torn", at: serving.socketPath)
        try await expectReply("+OK", to: "SET later 1", at: serving.socketPath)
      }
      #expect(try FileManager.default.attributesOfItem(atPath: path)[.size] as? UInt64 ?? 0 > whole)
      // The second start is the one on which a torn transaction has come back to life.
      try await withEmbeddedRedis(quick(directory)) { serving in
        try await expectReply(":1", to: "EXISTS kept", at: serving.socketPath)
        try await expectReply(":1", to: "EXISTS later", at: serving.socketPath)
        try await expectReply(":0", to: "EXISTS torn", at: serving.socketPath)
      }
    }
  }

  @Test func damageInTheMiddleIsNotPaperedOver() async throws {
    try await withTemporaryDirectory { directory in
      try await withEmbeddedRedis(quick(directory)) { serving in
        try await expectReply("+OK", to: "SET kept 1", at: serving.socketPath)
      }
      let folder = directory + "/redis/appendonlydir/"
      let base = try #require(
        try FileManager.default.contentsOfDirectory(atPath: folder).first { $0.contains(".base.") })
      try Data("this is no snapshot".utf8).write(to: URL(fileURLWithPath: folder + base))

      let redis = EmbeddedRedis(configuration: quick(directory), logger: quietLogger())
      await #expect { try await withDeadline("the refusal") { try await redis.run() } } throws: { error in
        (error as? EmbeddedRedisError)?.code == .damagedData
      }
    }
  }

  @Test func aMissingProgramIsNamedWithWhatToInstall() async throws {
    try await withTemporaryDirectory { directory in
      var configuration = quick(directory)
      configuration.serverProgram = "redis-server-that-is-not-there"
      let redis = EmbeddedRedis(configuration: configuration, logger: quietLogger())
      await #expect { try await withDeadline("the refusal") { try await redis.run() } } throws: { error in
        let error = error as? EmbeddedRedisError
        return error?.code == .notInstalled && error?.message.contains("apt-get install redis-server") == true
      }
      await #expect(throws: EmbeddedRedisError.self) { try await redis.waitUntilServing() }
    }
  }

  @Test func aServerThatNeverServesIsGivenUp() async throws {
    try await withTemporaryDirectory { directory in
      var configuration = quick(directory)
      configuration.serverProgram = "/bin/false"
      let redis = EmbeddedRedis(configuration: configuration, logger: quietLogger())
      await #expect { try await withDeadline("the refusal") { try await redis.run() } } throws: { error in
        (error as? EmbeddedRedisError)?.code == .cannotStart
      }
    }
  }

  @Test func aDirectoryThatCannotBeUsedIsNamed() async throws {
    try await withTemporaryDirectory { directory in
      let file = directory + "/file"
      try Data().write(to: URL(fileURLWithPath: file))
      let redis = EmbeddedRedis(configuration: quick(file + "/data"), logger: quietLogger())
      await #expect { try await redis.run() } throws: { error in
        let error = error as? EmbeddedRedisError
        return error?.code == .unusableDirectory && error?.message.contains(file) == true
      }
    }
  }
}

/// What the server has acknowledged.
private final class EntrySet: Sendable {
  private let box = Mutex<Set<String>>([])
  var entries: Set<String> { box.withLock { $0 } }
  func insert(_ entry: String) { box.withLock { _ = $0.insert(entry) } }
}
