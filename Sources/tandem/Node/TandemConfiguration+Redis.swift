import EmbeddedRedis
import RedisClient

/// Where the Redis client connects to.
extension TandemConfiguration {
  /// For the Redis client, on the given Redis or the private one.
  ///
  /// - Throws: `RedisURLError`, which the table of keys has ruled out, or `EmbeddedRedisError` when the data directory
  ///   cannot be used.
  func redisClient() throws -> RedisClientConfiguration {
    var result = redisSettings
    if let redis {
      let server = try RedisClientConfiguration(url: redis, password: redisSettings.password)
      result.topology = server.topology
      result.username = server.username
      result.password = server.password
      result.database = server.database
      result.tls = server.tls
    } else {
      result.topology = .standalone(.unixSocket(path: try EmbeddedRedis.socketPath(embeddedRedis)))
    }
    return result
  }
}
