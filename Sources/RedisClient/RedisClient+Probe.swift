internal import NIOCore
internal import RedisWire

extension RedisClient {
  /// Checks that Redis takes a write, answers a read and delivers a message, for readiness.
  ///
  /// It writes `PREFIX:probe:RANDOM` for ten seconds and publishes on the channel of that name.
  ///
  /// - Parameter limit: how long all of it may take; it never takes longer.
  /// - Throws: `RedisError` saying which of the three failed.
  public func probe(within limit: Duration) async throws(RedisError) {
    let name = "\(configuration.probePrefix):probe:\(UInt64.random(in: 0...UInt64.max))"
    let token = ByteBuffer(string: name)
    let eventLoop = eventLoopGroup.any()
    let deadline = eventLoop.now + TimeAmount(limit)
    let link = try topology.link(forKey: name, waits: false, on: eventLoop)
    try await step("a write") { () throws(RedisError) in
      let command = RedisCommand("SET", .string(name), .bytes(token), "PX", 10_000)
      try await link.perform(.command(command), until: deadline).expectOK()
    }
    try await step("a read") { () throws(RedisError) in
      let value = try await link.perform(.command(RedisCommand("GET", .string(name))), until: deadline)
      guard value.bytes == token else {
        throw RedisError(code: .protocolViolation, message: "It did not return what was written.", mayHaveRun: true)
      }
    }
    try await step("publish and subscribe") { () throws(RedisError) in
      try await probeChannel(name, token, link, until: deadline)
    }
  }

  private func probeChannel(
    _ name: String, _ token: ByteBuffer, _ link: CommandLinkReference, until deadline: NIODeadline
  ) async throws(RedisError) {
    let subscriber = try topology.subscriber(forChannel: name)
    let eventLoop = subscriber.eventLoop
    let arrived = eventLoop.makePromise(of: Result<Void, RedisError>.self)
    // Whatever happens below, a promise must be completed; after the first time this does nothing.
    defer { arrived.succeed(.failure(.shutDown)) }
    let subscription = try await subscriber.subscribe(to: name, within: deadline - eventLoop.now) { event in
      if event == .message(token) { arrived.succeed(.success(())) }
    }
    defer { subscription.cancel() }
    let command = RedisCommand("SPUBLISH", .string(name), .bytes(token))
    _ = try await link.perform(.command(command), until: deadline)
    try await eventLoop.answer(of: arrived, until: deadline)
  }

  private func step(_ what: String, _ body: () async throws(RedisError) -> Void) async throws(RedisError) {
    do throws(RedisError) {
      try await body()
    } catch {
      throw RedisError(
        code: error.code, message: "Redis failed \(what): \(error.message)", mayHaveRun: error.mayHaveRun)
    }
  }
}
