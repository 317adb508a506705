internal import NIOCore
internal import RedisWire

/// One channel for subscriptions: parses what comes and writes commands, with one flush per turn of the loop.
///
/// Confined to the channel's event loop. It knows no channel names; `Subscriber` does.
final class SubscriberConnection: ChannelInboundHandler, RedisConnection {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let reader: RedisReplyReader
  private var context: ChannelHandlerContext?
  private var outgoing = ByteBuffer()
  private var closeReason: RedisError?
  /// Called for everything Redis sends, in order.
  var onReply: (RedisValue) -> Void = { _ in }
  var onEnd: ((RedisError) -> Void)?

  init(maximumReplyBytes: Int) {
    reader = RedisReplyReader(limits: RedisReplyLimits(maximumBytes: maximumReplyBytes))
  }

  func send(_ command: RedisCommand) {
    guard let context, closeReason == nil else { return }
    if outgoing.readableBytes == 0 { context.eventLoop.assumeIsolated().execute { self.flush() } }
    CommandEncoder.write(command, into: &outgoing)
  }

  func close() { end(.shutDown) }

  func end(_ reason: RedisError) {
    guard closeReason == nil else { return }
    closeReason = reason
    context?.close(promise: nil)
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    do {
      try reader.read(unwrapInboundIn(data)) { reply in
        if closeReason == nil { onReply(reply) }
      }
    } catch {
      end(RedisError(code: .protocolViolation, message: error.description, mayHaveRun: true))
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    end(RedisError(code: .connectionLost, message: "The connection to Redis failed: \(error)", mayHaveRun: true))
  }

  func channelInactive(context: ChannelHandlerContext) {
    self.context = nil
    onReply = { _ in }
    let reason =
      closeReason ?? RedisError(code: .connectionLost, message: "Redis closed the connection.", mayHaveRun: true)
    onEnd.take()?(reason)
    context.fireChannelInactive()
  }

  private func flush() {
    guard let context, outgoing.readableBytes > 0 else { return }
    let batch = outgoing
    outgoing = ByteBuffer()
    context.writeAndFlush(wrapOutboundOut(batch), promise: nil)
  }
}
