internal import NIOCore
internal import RedisWire

/// Says the handshake on a new channel, then leaves the pipeline.
///
/// Confined to the channel's event loop.
final class HandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private var handshake: RedisHandshake
  private let reader = RedisReplyReader(limits: RedisReplyLimits(maximumBytes: 64 << 10))
  private let timeLimit: TimeAmount
  private var timeout: Scheduled<Void>?
  /// Completed once: when the handshake is done, with the number of replicas if it was told, or why it cannot be.
  private var completion: EventLoopPromise<Int?>?

  init(_ configuration: RedisClientConfiguration, completion: EventLoopPromise<Int?>) {
    handshake = RedisHandshake(configuration)
    timeLimit = TimeAmount(configuration.connectTimeout)
    self.completion = completion
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let limit = timeLimit
    timeout = context.eventLoop.assumeIsolated().scheduleTask(in: limit) {
      let message = "Redis did not answer within \(limit.nanoseconds / 1_000_000) ms of connecting."
      self.fail(RedisError(code: .unavailable, message: message, mayHaveRun: false), context)
    }
    if context.channel.isActive { sendCommands(context) }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timeout?.cancel()
    complete(.failure(RedisError(code: .unavailable, message: "The connection ended.", mayHaveRun: false)))
  }

  func channelActive(context: ChannelHandlerContext) {
    sendCommands(context)
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var progress = RedisHandshake.Progress.more
    do {
      try reader.read(unwrapInboundIn(data)) { reply in
        if case .failed = progress { return }
        progress = handshake.receive(reply)
      }
    } catch {
      progress = .failed(RedisError(code: .protocolViolation, message: error.description, mayHaveRun: false))
    }
    switch progress {
    case .more: break
    case .done:
      timeout?.cancel()
      // Out of the way first: whoever waits for the completion adds a handler of its own.
      let completion = completion.take()
      context.pipeline.syncOperations.removeHandler(self, promise: nil)
      completion?.succeed(handshake.replicas)
    case .failed(let error): fail(error, context)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    let message = "Redis closed the connection before it could be used."
    complete(.failure(RedisError(code: .unavailable, message: message, mayHaveRun: false)))
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    fail(RedisError(code: .unavailable, message: "Connecting to Redis failed: \(error)", mayHaveRun: false), context)
  }

  private func sendCommands(_ context: ChannelHandlerContext) {
    var buffer = context.channel.allocator.buffer(capacity: 256)
    for command in handshake.commands { CommandEncoder.write(command, into: &buffer) }
    context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
  }

  private func fail(_ error: RedisError, _ context: ChannelHandlerContext) {
    complete(.failure(error))
    context.close(promise: nil)
  }

  private func complete(_ result: Result<Int?, any Error>) {
    timeout?.cancel()
    completion.take()?.completeWith(result)
  }
}
