import NIOCore
import RedisClient
import TestSupport
import Testing

@Suite("A cluster over TLS", .timeLimit(.minutes(2)))
struct EncryptedClusterTests {
  @Test("nodes are asked, and reached, at the ports that are encrypted")
  func encrypted() async throws {
    let bus = try await FreePort.find()
    let lines = ["cluster-enabled yes", "cluster-port \(bus)", "tls-cluster yes"]
    try await withRedisServer(.init(port: 0, tls: true, configuration: lines)) { server in
      try await server.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
      try await eventually("the cluster is up") {
        try await server.ask("CLUSTER", "INFO").string?.contains("cluster_state:ok") == true
      }
      var configuration = RedisClientConfiguration(
        topology: .cluster([.host("127.0.0.1", port: try #require(server.port))]))
      configuration.tls = RedisTLS(certificateAuthorityFile: server.certificateFile)
      configuration.commandTimeout = patience
      configuration.connectTimeout = .seconds(20)
      try await withClient(configuration) { client in
        try await client.send(RedisCommand("SET", "k", "v"), key: "k").expectOK()
        let health = try await client.probe(within: patience)
        #expect(health.tried == 1 && health.failures == [])
      }
    }
  }
}
