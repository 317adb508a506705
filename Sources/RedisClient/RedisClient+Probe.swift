internal import NIOCore
internal import RedisWire

extension RedisClient {
  /// Checks that Redis takes a write, answers a read and delivers a message, for readiness.
  ///
  /// It writes `PREFIX:probe:RANDOM` for ten seconds and publishes on the channel of that name; in a cluster it does so at
  /// up to `RedisHealth.sample` primaries at once. A primary without any replica that could confirm writes fails, where they wait for that.
  ///
  /// - Parameter limit: how long all of it may take; it never takes longer.
  /// - Returns: which primaries of a cluster failed; one at least did not.
  /// - Throws: `RedisError` saying which of the three failed, when no server passed.
  @discardableResult
  public func probe(within limit: Duration) async throws(RedisError) -> RedisHealth {
    let names = try topology.probeNames("\(configuration.probePrefix):probe")
    guard names.count > 1 else {
      try await probe(names[0], within: limit)
      return RedisHealth(tried: 1, failures: [])
    }
    let failures = await withTaskGroup(of: RedisError?.self) { group in
      for name in names {
        group.addTask {
          do throws(RedisError) {
            try await self.probe(name, within: limit)
            return nil
          } catch { return error }
        }
      }
      return await group.reduce(into: [RedisError]()) { if let error = $1 { $0.append(error) } }
    }
    if failures.count == names.count, let first = failures.first { throw first }
    return RedisHealth(tried: names.count, failures: failures.map(\.message))
  }

  private func probe(_ name: String, within limit: Duration) async throws(RedisError) {
    let token = ByteBuffer(string: name)
    let eventLoop = eventLoopGroup.any()
    let deadline = eventLoop.now + TimeAmount(limit)
    let link = try topology.link(forKey: name, waits: false, on: eventLoop)
    // Writes that wait would be refused; the one below waits for nobody.
    if let refusal = WriteBarrier(configuration.durability, link.place.replicas)?.refusal(at: link.place) {
      throw refusal
    }
    try await step("a write") { () throws(RedisError) in
      let command = RedisCommand("SET", .string(name), .bytes(token), "PX", 10_000)
      try await perform(command, name, link, until: deadline).expectOK()
    }
    try await step("a read") { () throws(RedisError) in
      let value = try await perform(RedisCommand("GET", .string(name)), name, link, until: deadline)
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
    let eventLoop = link.eventLoop
    let arrived = eventLoop.makePromise(of: Result<Void, RedisError>.self)
    // Whatever happens below, a promise must be completed; after the first time this does nothing.
    defer { arrived.succeed(.failure(.shutDown)) }
    let subscription = try await topology.subscribe(to: name, within: deadline - eventLoop.now) { event in
      if event == .message(token) { arrived.succeed(.success(())) }
    }
    defer { subscription.cancel() }
    let command = RedisCommand("SPUBLISH", .string(name), .bytes(token))
    _ = try await perform(command, name, link, until: deadline)
    try await eventLoop.answer(of: arrived, until: deadline)
  }

  /// Asks a server, or the one that has the name's slot by now.
  private func perform(
    _ command: RedisCommand, _ name: String, _ link: CommandLinkReference, until deadline: NIODeadline
  ) async throws(RedisError) -> RedisValue {
    do throws(RedisError) {
      return try await link.perform(.command(command), until: deadline)
    } catch {
      guard error.serverErrorPrefix != nil else { throw error }
      let answer = link.eventLoop.makePromise(of: CommandTicket.Answer.self)
      Task { [topology] in
        do throws(RedisError) {
          answer.succeed(
            .success(
              try await topology.recover(
                from: error, .command(command), sentTo: link, forKey: name, on: link.eventLoop)))
        } catch { answer.succeed(.failure(error)) }
      }
      return try await link.eventLoop.answer(of: answer, until: deadline)
    }
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

/// What a probe has found. A value.
public struct RedisHealth: Sendable, Hashable {
  /// How many primaries of a cluster are tried at once, at most; which ones is drawn each time.
  public static let sample = 8

  /// How many servers were tried.
  public let tried: Int
  /// Why some of them failed, a sentence each.
  public let failures: [String]

  /// The share that failed, from 0 to 1.
  public var failedShare: Double { Double(failures.count) / Double(max(tried, 1)) }
}
