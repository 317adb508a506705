import HTTPGateway
import Logging
import RedisClient
import Testing

@testable import tandem

/// Every key does something: it reaches the part it is about.
@Suite struct ConfigurationPartsTests {
  /// Everything the parts are given.
  private func parts(_ flags: [String: String]) throws -> String {
    // Replicated, so that the number of replicas matters; keys, so that access may be either.
    let digest = String(repeating: "0a", count: 32)
    var all = [
      "apiKeys": "ci:\(digest)", "redis": "redis://127.0.0.1", "durability": "replicated", "redisSentinelPassword": "s",
    ]
    all.merge(flags) { $1 }
    let read = try configuration(flags: all)
    var text = ""
    dump(read.gateway, to: &text)
    dump(read.sessions, to: &text)
    // Its description leaves the rest out.
    dump(Mirror(reflecting: try read.redisClient()).children.map { "\($0.label ?? ""): \($0.value)" }, to: &text)
    dump(read.embeddedRedis, to: &text)
    dump([read.logLevel.rawValue, read.logFormat.rawValue, read.prefix], to: &text)
    return text
  }

  /// A value of the key that is not its default.
  private func another(_ key: ConfigurationKey) -> String {
    switch key.kind {
    case .choice(let words): return key.name == "durability" ? "local" : words.first { $0 != key.defaultText } ?? ""
    // Near the default, so that it contradicts no other key.
    case .integer, .bytes, .optionalBytes:
      let number = ByteCountText.parse(key.defaultText ?? "") ?? 0
      let isLargest = ConfigurationValue(parsing: String(number + 1), for: key.kind) == nil
      return String(isLargest ? number - 1 : number + 1)
    case .duration(let range): return DurationText.format(range.lowerBound + .seconds(1))
    case .boolean: return "true"
    case .text, .list:
      let values = [
        "host": "::1", "redis": "redis://127.0.0.1:7000", "prefix": "other", "dataDirectory": "/elsewhere",
        "apiKeys": "other:" + String(repeating: "0b", count: 32), "rate.participant": "7/s", "rate.address": "7/s",
        "rate.trustedProxies": "192.0.2.0/24",
        "redisSentinelUser": "watcher", "redisSentinelPassword": "other", "redisAddresses": "10.0.0.1:6379=[::1]:7000",
        "hosts": "team.example", "cors.origins": "https://team.example",
      ]
      return values[key.name] ?? ""
    }
  }

  @Test(
    arguments: ConfigurationKey.all.map(\.name).filter {
      !["forceOpen", "access", "join.reuse", "apiKeysFile", "redisPasswordFile", "redisSentinelPasswordFile"].contains(
        $0)
    })
  func aKeyReachesItsPart(name: String) throws {
    let key = try #require(ConfigurationKey.named(name))
    #expect(try parts([name: another(key)]) != parts([:]))
  }

  @Test func aURLReachesTheRedisClientAsAWhole() throws {
    let read = try configuration(flags: ["redis": "rediss://ops:secret@redis.example:7000/3?ca=/ca.pem"])
    var own = try RedisClientConfiguration(url: "rediss://ops:secret@redis.example:7000/3?ca=/ca.pem")
    own.provesSubscriptions = true
    #expect(try read.redisClient() == own)
  }

  @Test func accessAndJoinReuseReachTheirParts() throws {
    #expect(try parts(["access": "keyed"]) != parts(["access": "open"]))
    #expect(try parts(["join.reuse": "strict"]) != parts(["join.reuse": "lenient"]))
  }
}
