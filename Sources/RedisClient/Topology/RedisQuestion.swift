internal import NIOCore
internal import RedisWire

/// One command to one server, on a connection of its own that is closed behind the reply. A namespace.
///
/// For what is asked seldom and of servers that serve nothing else: Sentinels, and any node of a cluster about the others.
enum RedisQuestion {
  /// What questions need of a configuration: they may go to anybody, and never wait for replicas.
  static func configuration(_ base: RedisClientConfiguration, within limit: Duration) -> RedisClientConfiguration {
    var result = base
    result.acceptsReplica = true
    result.durability = .local
    result.connectTimeout = min(base.connectTimeout, limit)
    result.commandTimeout = min(base.commandTimeout, limit)
    return result
  }

  /// Asks.
  ///
  /// - Parameter connector: made with what `configuration(_:within:)` returns, so that the answer comes in twice that time.
  /// - Returns: the reply, on the event loop; fails with `RedisError`.
  static func ask(
    _ commands: [RedisCommand], _ connector: RedisConnector, _ metrics: RedisMetrics, on eventLoop: any EventLoop
  ) -> EventLoopFuture<[RedisValue]> {
    let answers = commands.map { _ in eventLoop.makePromise(of: CommandTicket.Answer.self) }
    let requests = zip(commands, answers).map { ($0, CommandTicket(.promise($1))) }
    return connector.connect(on: eventLoop).flatMap { channel in
      do {
        let connection = CommandConnection(
          connector.configuration, place: connector.place, replicas: connector.place.replicas, metrics: metrics)
        try channel.pipeline.syncOperations.addHandler(connection)
        for (command, ticket) in requests { connection.submit(.command(command), ticket) }
      } catch {
        let reason = RedisError(
          code: .unavailable, message: "The connection to Redis ended at once.", mayHaveRun: false)
        for (_, ticket) in requests { ticket.fail(reason) }
      }
      return EventLoopFuture.whenAllSucceed(answers.map(\.futureResult), on: eventLoop).map { replies in
        channel.close(promise: nil)
        // An error reply is an answer here: it tells what the server does not know.
        return replies.map { reply in
          switch reply {
          case .success(let value): value
          case .failure(let error): .error(error.message)
          }
        }
      }
    }.flatMapErrorThrowing { error in
      for answer in answers { answer.succeed(.failure(.shutDown)) }
      throw error
    }
  }
}
