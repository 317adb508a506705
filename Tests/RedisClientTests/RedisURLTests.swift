import RedisClient
import Testing

@Suite("Redis URLs")
struct RedisURLTests {
  @Test("one server over TCP")
  func tcp() throws {
    #expect(
      try RedisClientConfiguration(url: "redis://localhost").topology == .standalone(.host("localhost", port: 6379)))
    let full = try RedisClientConfiguration(url: "redis://user:p%40ss%3Aw@cache.example:7000/12")
    #expect(full.topology == .standalone(.host("cache.example", port: 7000)))
    #expect(full.username == "user" && full.password == "p@ss:w" && full.database == 12 && full.tls == nil)
    let passwordOnly = try RedisClientConfiguration(url: "redis://:secret@h/")
    #expect(passwordOnly.username == nil && passwordOnly.password == "secret" && passwordOnly.database == 0)
    #expect(try RedisClientConfiguration(url: "REDIS://[::1]:6380").topology == .standalone(.host("::1", port: 6380)))
    #expect(try RedisClientConfiguration(url: "redis://[::1]").topology == .standalone(.host("::1", port: 6379)))
  }

  @Test("TLS, with and without a certificate file")
  func tls() throws {
    #expect(try RedisClientConfiguration(url: "rediss://h").tls == RedisTLS())
    #expect(
      try RedisClientConfiguration(url: "rediss://h?ca=/etc/ca%20x.pem").tls
        == RedisTLS(certificateAuthorityFile: "/etc/ca x.pem"))
  }

  @Test("a Unix socket")
  func unix() throws {
    let plain = try RedisClientConfiguration(url: "unix:///run/redis.sock")
    #expect(plain.topology == .standalone(.unixSocket(path: "/run/redis.sock")) && plain.database == 0)
    let full = try RedisClientConfiguration(url: "unix:///run/r%20s?database=2&user=u&password=p%26")
    #expect(full.topology == .standalone(.unixSocket(path: "/run/r s")))
    #expect(full.database == 2 && full.username == "u" && full.password == "p&")
  }

  @Test("Sentinel and Cluster")
  func others() throws {
    let sentinel = try RedisClientConfiguration(url: "redis+sentinel://:p@s1,s2:26380,[::1]:5/mymaster/2")
    #expect(
      sentinel.topology
        == .sentinel(
          [.host("s1", port: 26_379), .host("s2", port: 26_380), .host("::1", port: 5)], primary: "mymaster"))
    #expect(sentinel.password == "p" && sentinel.database == 2)
    #expect(
      try RedisClientConfiguration(url: "redis+cluster://a,b:7001").topology
        == .cluster([.host("a", port: 6379), .host("b", port: 7001)]))
    for kind in ["rediss+sentinel://h/m", "rediss+cluster://h"] {
      let encrypted = try RedisClientConfiguration(url: kind + "?ca=/ca.pem")
      #expect(encrypted.tls == RedisTLS(certificateAuthorityFile: "/ca.pem"))
    }
  }

  @Test(
    "one address",
    arguments: [
      ("h:1", "h:1"), ("[::1]:65535", "[::1]:65535"), ("h", ""), ("h:0", ""), (":1", ""), ("::1:7", ""), ("h:1/2", ""),
      ("a:1,b:2", ""),
    ])
  func addresses(text: String, expected: String) {
    #expect(RedisEndpoint(address: text)?.description ?? "" == expected)
  }

  @Test(
    "what is wrong is named, and the password is not",
    arguments: [
      ("", "scheme"), ("localhost:6379", "scheme"), ("http://h", "\"http\" is unknown"), ("redis://", "names no host"),
      ("redis://:hunter2@", "names no host"), ("redis://:hunter2@h:0", "port"), ("redis://h:65536", "port"),
      ("redis://h:x", "port \"x\""), ("redis://h:", "port"), ("redis://h/x", "database \"x\""),
      ("redis://h/-1", "database"), ("redis://a,b", "several hosts"), ("redis://user@h", "no password"),
      ("redis://:hunter2%@h", "% that is not"), ("redis://:hunter2%zz@h", "% that is not"),
      ("redis://:hunter2%FF@h", "not valid UTF-8"), ("redis://h?x=1", "option \"x\""),
      ("redis://h?ca=/x", "only for rediss"),
      ("rediss://h?ca=", "names no file"), ("redis://h #", "blank"), ("redis://h#f", "#"), ("redis://[::1", "bracket"),
      ("redis://[::1]x", "bracket"), ("unix://", "three slashes"), ("unix://run/redis.sock", "three slashes"),
      ("unix:///" + String(repeating: "x", count: 110), "102 bytes"), ("unix:///s?database=x", "database \"x\""),
      ("redis+sentinel://h1,h2", "primary's name"), ("redis+sentinel://h1,,h2/m", "names no host"),
      ("redis+cluster://a,b/1", "only database 0"),
    ])
  func errors(url: String, expected: String) {
    let error = #expect(throws: RedisURLError.self) { try RedisClientConfiguration(url: url) }
    #expect(error?.message.contains(expected) == true, "\(error?.message ?? "no error")")
    #expect(error?.message.contains("hunter2") != true)
    #expect(error?.message.hasSuffix(".") == true)
  }

  @Test("the description shows where, and no password")
  func description() throws {
    let text = try RedisClientConfiguration(url: "rediss://user:hunter2@h:1/3").description
    #expect(text == "user@h:1 database 3 over TLS")
  }
}
