import Logging
import NIOCore
import NIOHTTP1
import Observability

/// Bound to its channel's event loop; carries out what `RequestGuardStateMachine` decides.
///
/// It stands between the HTTP/1 decoder and Hummingbird, where it still sees what Hummingbird hides: the protocol
/// version, what the parser refuses, half-closure, and how long a request takes to arrive.
final class RequestGuard: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  private var machine: RequestGuardStateMachine
  private let wire: WireHandler
  private let metrics: ConnectionMetrics
  private let logger: Logger
  private var timer: Scheduled<Void>?
  private var timerDeadline: NIODeadline?

  init(
    limits: RequestGuardStateMachine.Limits, wire: WireHandler, metrics: ConnectionMetrics, logger: Logger
  ) {
    self.machine = RequestGuardStateMachine(limits: limits, now: .now())
    self.wire = wire
    self.metrics = metrics
    self.logger = logger
  }

  /// Whether the response being written is framed in chunks (HTTP/1.1) or simply ends with the connection (HTTP/1.0).
  var isChunked: Bool { machine.isChunked }

  func handlerAdded(context: ChannelHandlerContext) {
    wire.onBytes = { [unowned self] endsLine in
      machine.bytesArrived(endsLine: endsLine, now: .now())
      wire.seeksLineEnd = machine.seeksLineEnd
      armTimer(context)
    }
    armTimer(context)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    wire.onBytes = nil
    machine.closed()
    timer?.cancel()
    timer = nil
  }

  // MARK: Inbound

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let action: RequestGuardStateMachine.InboundAction
    var data = data
    switch unwrapInboundIn(data) {
    case .head(var head):
      action = machine.requestHead(.init(head), now: .now())
      // An absolute target says whom the request is for, whatever its Host says (RFC 9112, 3.2.2).
      if let authority = HostName.authority(ofTarget: head.uri) {
        head.headers.replaceOrAdd(name: "host", value: String(authority))
        data = wrapInboundOut(.head(head))
      }
    case .body(let bytes):
      action = machine.requestBody(bytes: bytes.readableBytes)
      if machine.followsLines { machine.bodyArrived(.init(in: bytes.readableBytesView), now: .now()) }
    case .end:
      action = machine.requestEnd(now: .now())
      wire.seeksLineEnd = machine.seeksLineEnd
    }
    switch action {
    case .forward: context.fireChannelRead(data)
    case .drop: break
    case .close: close(context)
    case .fail(let failure): perform(failure, context)
    }
    armTimer(context)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch error {
    case let error as HTTPParserError:
      let failure: RequestFailure = error == .headerOverflow ? .headersTooLarge : .malformed
      perform(machine.failed(failure, now: .now()), context)
      armTimer(context)
    case is IOError:
      close(context)
    default:
      context.fireErrorCaught(error)
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .inputClosed? = event as? ChannelEvent, machine.inputClosed() {
      close(context)
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    machine.writabilityChanged(isWritable: context.channel.isWritable, now: .now())
    armTimer(context)
    context.fireChannelWritabilityChanged()
  }

  // MARK: Outbound

  func read(context: ChannelHandlerContext) {
    machine.readAsked(now: .now())
    armTimer(context)
    context.read()
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch unwrapOutboundIn(data) {
    case .head(var head) where head.status.code >= 200:
      let isEventStream = head.headers.first(name: "content-type") == "text/event-stream"
      let asksToClose = head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "close" }
      // The encoder ends a body of unknown length with an empty chunk, also where HEAD leaves out the body. Of HTTP/1.0
      // it knows that such an answer ends with its connection.
      let hasNoEnd =
        machine.dropsResponseBody && head.status.mayHaveResponseBody && !head.headers.contains(name: "content-length")
      let changes = machine.responseHead(isEventStream: isEventStream, asksToClose: asksToClose || hasNoEnd)
      if changes.isHTTP10 || hasNoEnd { head.version = .http1_0 }
      if changes.closes { head.headers.replaceOrAdd(name: "connection", value: "close") }
      context.write(wrapOutboundOut(.head(head)), promise: promise)
      if machine.endsStreamAtOnce { close(context) }
    case .head:
      context.write(data, promise: promise)
    case .body:
      if machine.dropsResponseBody {
        promise?.succeed()
      } else {
        context.write(data, promise: promise)
      }
    case .end:
      context.write(data, promise: promise)
      switch machine.responseEnd(now: .now()) {
      case .none: break
      case .respond(let failure): respond(failure, context)
      case .closeOutput: closeOutput(context)
      }
      armTimer(context)
    }
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    if case .output = mode, machine.outputClosed(now: .now()) {
      context.close(mode: .all, promise: promise)
      return
    }
    if case .all = mode { machine.closed() }
    context.close(mode: mode, promise: promise)
    armTimer(context)
  }

  // MARK: Actions

  private func perform(_ action: RequestGuardStateMachine.FailureAction, _ context: ChannelHandlerContext) {
    switch action {
    case .respond(let failure): respond(failure, context)
    case .tellReader(let failure): context.fireErrorCaught(failure)
    case .wait: break
    case .close: close(context)
    }
  }

  private func respond(_ failure: RequestFailure, _ context: ChannelHandlerContext) {
    metrics.refused(failure)
    // It never became a request that could have brought its own.
    let id = RequestID.new()
    logger.debug("request refused", metadata: [LogKey.requestID: "\(id)", LogKey.error: "\(failure)"])
    let error = GatewayError(failure)
    let body = error.body
    var head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: error.status))
    head.headers.add(name: "content-type", value: "application/json")
    head.headers.add(name: "content-length", value: String(body.readableBytes))
    head.headers.add(name: "connection", value: "close")
    head.headers.add(name: "x-request-id", value: id)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
    context.write(wrapOutboundOut(.end(nil)), promise: nil)
    closeOutput(context)
  }

  private func close(_ context: ChannelHandlerContext) {
    machine.closed()
    context.close(promise: nil)
  }

  private func closeOutput(_ context: ChannelHandlerContext) {
    context.flush()
    context.close(mode: machine.outputClosed(now: .now()) ? .all : .output, promise: nil)
  }

  // MARK: Time

  /// Keeps at most one timer, armed for the earliest deadline; a later one is only looked at when the timer fires.
  private func armTimer(_ context: ChannelHandlerContext) {
    guard let deadline = machine.deadline else { return }
    if let timerDeadline, timerDeadline <= deadline { return }
    timer?.cancel()
    timerDeadline = deadline
    let context = NIOLoopBound(context, eventLoop: context.eventLoop)
    let guardian = NIOLoopBound(self, eventLoop: context.value.eventLoop)
    timer = context.value.eventLoop.scheduleTask(deadline: deadline) {
      guardian.value.timerFired(context.value)
    }
  }

  private func timerFired(_ context: ChannelHandlerContext) {
    timer = nil
    timerDeadline = nil
    switch machine.timeReached(.now()) {
    case .none: break
    case .close:
      metrics.timedOut()
      close(context)
    case .fail(let action): perform(action, context)
    }
    armTimer(context)
  }
}

extension RequestGuardStateMachine.RequestHead {
  fileprivate init(_ head: HTTPRequestHead) {
    self.init(
      uriBytes: head.uri.utf8.count,
      isHTTP10: head.version.major < 1 || (head.version.major == 1 && head.version.minor == 0),
      isKeepAlive: head.isKeepAlive,
      isHEAD: head.method == .HEAD,
      hasUnboundedBody: head.headers.first(name: "content-type")?.lowercased().hasPrefix("application/x-ndjson")
        ?? false,
      hosts: head.headers["host"].count)
  }
}
