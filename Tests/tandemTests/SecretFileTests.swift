import Foundation
import HTTPGateway
import RedisClient
import Testing

@testable import tandem

/// Secrets in files: neither the list of processes nor the environment shows them.
@Suite struct SecretFileTests {
  private let digest = String(repeating: "0a", count: 32)

  /// A file that exists while `body` runs.
  private func withFile<Value>(_ content: String, _ body: (String) throws -> Value) throws -> Value {
    let url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try Data(content.utf8).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url.path)
  }

  @Test func entriesStandOneALineAmongComments() throws {
    let content = "# who may create\nci:\(digest)\r\n\n  ops:\(digest)  \n"
    let read = try withFile(content) { path in
      try configuration(flags: ["host": "10.0.0.7", "apiKeysFile": path])
    }
    #expect(read.access == .keyed)
    #expect(read.gateway.apiKeys.entries.map(\.name) == ["ci", "ops"])
  }

  @Test func thePasswordOfAFileIsTheRedisClients() throws {
    try withFile("p@ss word/\n") { path in
      let named = try configuration(flags: ["redis": "redis://tandem@redis.example", "redisPasswordFile": path])
      #expect(try named.redisClient().password == "p@ss word/")
      #expect(try named.redisClient().username == "tandem")
      let unnamed = try configuration(flags: ["redis": "redis://redis.example", "redisPasswordFile": path])
      #expect(try unnamed.redisClient().password == "p@ss word/")
    }
  }

  @Test func aSecretGivenTwiceIsRefusedByNamingBoth() throws {
    let entry = "ci:\(digest)"
    let keys = try withFile(entry) { path in try problems(flags: ["apiKeys": entry, "apiKeysFile": path]) }
    #expect(keys == ["apiKeys and apiKeysFile are both given; give one of them"])
    let password = try withFile("hunter2") { path in
      try problems(flags: ["redis": "redis://u:hunter3@redis.example", "redisPasswordFile": path])
    }
    #expect(password == ["redis holds a password and redisPasswordFile is given, too; give one of them"])
  }

  @Test func thePasswordOfTheSentinelsIsTheirsAlone() throws {
    let url = "redis+sentinel://tandem:p@s1,s2,s3/mymaster"
    let read = try withFile("hunter2\n") { path in
      try configuration(flags: ["redis": url, "redisSentinelUser": "watcher", "redisSentinelPasswordFile": path])
    }
    #expect(try read.redisClient().sentinelLogin == RedisLogin(username: "watcher", password: "hunter2"))
    #expect(try read.redisClient().password == "p")
    let twice = try withFile("hunter2") { path in
      try problems(flags: ["redisSentinelPassword": "x", "redisSentinelPasswordFile": path])
    }
    #expect(twice == ["redisSentinelPassword and redisSentinelPasswordFile are both given; give one of them"])
    let alone = try problems(flags: ["redisSentinelUser": "watcher"])
    #expect(alone.count == 1 && alone.first?.contains("redisSentinelPasswordFile") == true)
    let missing = try problems(flags: ["redisSentinelPasswordFile": "/nowhere"])
    #expect(missing == ["redisSentinelPasswordFile: /nowhere does not exist"])
  }

  @Test func aPasswordNeedsARedisAndAUserAPassword() throws {
    let found = try withFile("hunter2") { path in try problems(flags: ["redisPasswordFile": path]) }
    #expect(found.count == 1 && found.first?.contains("redisPasswordFile is given but redis is not") == true)
    let user = try problems(flags: ["redis": "redis://tandem@redis.example"])
    #expect(user.count == 1 && user.first?.contains("redisPasswordFile") == true)
  }

  @Test(arguments: [
    ("", "holds no entry"), ("# nothing\n\n", "holds no entry"), ("ci:hunter2\n", "line 1 must be NAME:DIGEST"),
    ("\n\n# x\nci\n", "line 4 must be NAME:DIGEST"), (String(repeating: "#\n", count: 40_000), "is larger than 64KiB"),
  ])
  func aFileWithoutEntriesIsNamedWithWhatIsWrong(content: String, expected: String) throws {
    let found = try withFile(content) { path in
      let found = try problems(flags: ["host": "10.0.0.7", "apiKeysFile": path])
      #expect(found.first?.hasPrefix("apiKeysFile: \(path) ") == true)
      return found
    }
    #expect(found.count == 1)
    #expect(found.first?.contains(expected) == true, "\(found)")
    #expect(!found.joined().contains("hunter2"))
  }

  @Test(arguments: ["", "\n", "hunter2\nhunter3\n", "hunter2\n\n", "hunter2\u{0}"])
  func aPasswordFileHoldsOneLine(content: String) throws {
    let found = try withFile(content) { path in
      try problems(flags: ["redis": "redis://redis.example", "redisPasswordFile": path])
    }
    #expect(found.count == 1)
    #expect(!found.joined().contains("hunter2"))
  }

  @Test func aFileThatCannotBeReadIsNamed() throws {
    let missing = try problems(flags: ["apiKeysFile": "/nonexistent/keys"])
    #expect(missing == ["apiKeysFile: /nonexistent/keys does not exist"])
    let directory = try problems(flags: ["redis": "redis://redis.example", "redisPasswordFile": "/"])
    #expect(directory == ["redisPasswordFile: / cannot be read"])
  }
}
