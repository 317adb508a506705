internal import NIOCore
internal import RedisWire

extension RedisClient {
  /// Checks that Redis takes a write, answers a read and delivers a message, for readiness.
  ///
  /// It writes `PREFIX:probe:RANDOM` for ten seconds and publishes on the channel of that name.
  ///
  /// - Parameter limit: how long all of it may take.
  /// - Throws: `RedisError` saying which of the three failed.
  public func probe(within limit: Duration) async throws(RedisError) {
    let outcome = await withTaskGroup(of: Result<Void, RedisError>?.self) { group in
      group.addTask { await self.probe() }
      group.addTask {
        // Cancelled when the probe is done, and then without an outcome of its own.
        guard (try? await Task.sleep(for: limit)) != nil else { return nil }
        return .failure(.timedOut(after: limit, mayHaveRun: true))
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
    guard let outcome else {
      throw RedisError(code: .unavailable, message: "The probe of Redis was cancelled.", mayHaveRun: true)
    }
    try outcome.get()
  }

  private func probe() async -> Result<Void, RedisError> {
    let name = "\(configuration.probePrefix):probe:\(UInt64.random(in: 0...UInt64.max))"
    let token = ByteBuffer(string: name)
    do throws(RedisError) {
      try await step("a write") { () throws(RedisError) in
        try await send(RedisCommand("SET", .string(name), .bytes(token), "PX", 10_000), key: name).expectOK()
      }
      try await step("a read") { () throws(RedisError) in
        guard try await send(RedisCommand("GET", .string(name)), key: name).bytes == token else {
          throw RedisError(code: .protocolViolation, message: "it did not return what was written", mayHaveRun: true)
        }
      }
      try await step("publish and subscribe") { () throws(RedisError) in try await probeChannel(name, token) }
      return .success(())
    } catch {
      return .failure(error)
    }
  }

  private func probeChannel(_ name: String, _ token: ByteBuffer) async throws(RedisError) {
    // Ends with the message, or with the cancellation of this task; a subscription that breaks meanwhile is a failure.
    let (events, continuation) = AsyncStream.makeStream(
      of: RedisSubscriptionEvent.self, bufferingPolicy: .bufferingOldest(4))
    let subscription = try await subscribe(to: name) { continuation.yield($0) }
    defer { subscription.cancel() }
    _ = try await send(RedisCommand("SPUBLISH", .string(name), .bytes(token)), key: name)
    for await event in events where event == .message(token) { return }
    throw RedisError(code: .timedOut, message: "the message did not arrive", mayHaveRun: true)
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
