import EventStreaming
import NIOCore

/// Bound to its channel's event loop; the handler nearest to the socket.
///
/// It tells the `RequestGuard` when bytes arrive (the decoder only speaks once a whole head is there, which a slow
/// sender may never finish), and event streams write ready-made bytes from here, below the HTTP encoder.
final class WireHandler: ChannelInboundHandler, StreamOutput {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// Called with true when the bytes that arrived hold the end of a line.
  var onBytes: ((_ endsLine: Bool) -> Void)?
  /// Whether `onBytes` still needs to know about line ends; looking for them costs a scan.
  var seeksLineEnd = true

  private var context: ChannelHandlerContext?
  private var isClosed = false

  var onWritabilityChanged: ((Bool) -> Void)?
  var onClosed: (() -> Void)? {
    didSet { if isClosed { reportClosed() } }
  }

  var isWritable: Bool { context?.channel.isWritable ?? false }

  func write(_ bytes: ByteBuffer) {
    context?.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
  }

  func write(_ pieces: [ByteBuffer]) {
    guard let context else { return }
    for piece in pieces { context.write(wrapOutboundOut(piece), promise: nil) }
    context.flush()
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    onBytes = nil
    reportClosed()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if let onBytes {
      let endsLine = seeksLineEnd && unwrapInboundIn(data).readableBytesView.contains(UInt8(ascii: "\n"))
      onBytes(endsLine)
    }
    context.fireChannelRead(data)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    onWritabilityChanged?(context.channel.isWritable)
    context.fireChannelWritabilityChanged()
  }

  func channelInactive(context: ChannelHandlerContext) {
    reportClosed()
    context.fireChannelInactive()
  }

  private func reportClosed() {
    isClosed = true
    onWritabilityChanged = nil
    guard let onClosed else { return }
    self.onClosed = nil
    onClosed()
  }
}
