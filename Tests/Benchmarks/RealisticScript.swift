import RedisClient

/// The script that performance.md measures with: what a write of the domain does, at its size. A namespace.
enum RealisticScript {
  static let script = RedisScript(
    name: "realistic",
    source: """
      #!lua
      local session = redis.call('HMGET', KEYS[1], 'status', 'mode', 'seq', 'expiresAt')
      local seq = tonumber(session[3] or '0') + 1
      redis.call('HSET', KEYS[2], 'id', ARGV[1], 'a', ARGV[2], 'b', ARGV[2], 'c', ARGV[2], 'd', ARGV[2], 'e', ARGV[2],
        'f', ARGV[2], 'g', ARGV[2])
      redis.call('ZADD', KEYS[3], 1, ARGV[1])
      local id = redis.call('XADD', KEYS[4], 'MAXLEN', '~', 1000, '*', 'seq', seq, 'data', ARGV[3])
      redis.call('SPUBLISH', KEYS[1] .. ':live', ARGV[3])
      return id
      """)
  static let keys = ["tandem:{s}", "tandem:{s}:approval:1", "tandem:{s}:approvals", "tandem:{s}:events"]
  static let arguments = ["5f0c0b9e-8f5e-4f0e-9a55-0d3d2c8f9a11", "value", String(repeating: "x", count: 400)]
  private static let encodable = arguments.map { RedisArgument.string($0) }

  static func run(on client: RedisClient) async throws(RedisError) -> RedisValue {
    try await client.evaluate(script, keys: keys, arguments: encodable)
  }
}
