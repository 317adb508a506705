import DequeModule
import NIOCore

/// What is wrong with a request that never reached, or never completely reached, a route.
enum RequestFailure: Error, Equatable {
  /// The bytes are not HTTP.
  case malformed
  /// The head of the request is larger than `limits.headers` bytes.
  case headersTooLarge
  /// The request target is longer than `limits.uri` bytes.
  case uriTooLong
  /// The head did not arrive in time after its first byte.
  case headTimeout
  /// The body did not arrive in time after the head.
  case bodyTimeout
  /// A line of an NDJSON body did not arrive in time after its first byte.
  case lineTimeout
}

/// What one HTTP/1 connection may do next. It decides; `RequestGuard` reads, writes, closes and keeps time. A value.
///
/// Responses leave in the order of their requests, so an early failure has to wait for the answers before it; a peer
/// that trickles bytes, never reads, or closes its half of the connection must not hold it for ever.
struct RequestGuardStateMachine {
  /// Bounds of one connection.
  struct Limits: Sendable {
    /// Largest request target, in bytes.
    var uriBytes = 4 * 1024
    /// Largest head, in bytes.
    var headerBytes = 16 * 1024
    /// From the first byte of a head to its end.
    var headTimeout = TimeAmount.seconds(10)
    /// From the end of a head to the end of its body; NDJSON bodies, which are long-lived, are exempt.
    var bodyTimeout = TimeAmount.seconds(30)
    /// From the first byte of a line of an NDJSON body to its last, less the time in which nobody read.
    var lineTimeout = TimeAmount.seconds(60)
    /// A connection without a request is closed after this.
    var idleTimeout = TimeAmount.seconds(75)
    /// A response that cannot be written for this long gives up; event streams have a byte budget instead.
    var writeTimeout = TimeAmount.seconds(30)
    /// How long a connection that has been answered for good may take to close.
    var lingerTimeout = TimeAmount.seconds(5)
    /// How much of a body nobody reads any more is taken off the wire, so that the peer gets to see the answer.
    var discardedBytes = 16 * 1024 * 1024
  }

  /// What matters of a request's head.
  struct RequestHead: Equatable {
    var uriBytes: Int
    var isHTTP10 = false
    var isKeepAlive = true
    var isHEAD = false
    var hasUnboundedBody = false
    /// How many `Host` fields it has.
    var hosts = 1
  }

  private enum Reading {
    case betweenRequests(since: NIODeadline)
    case head(since: NIODeadline)
    case body(since: NIODeadline, isUnbounded: Bool, discarded: Int?)
    case nothing
  }

  private struct Exchange {
    var head: RequestHead
    var isEventStream = false
    var closes = false
  }

  private let limits: Limits
  private var reading: Reading
  /// Requests whose response has not ended, oldest first.
  private var exchanges: Deque<Exchange> = []
  private var heldFailure: RequestFailure?
  /// Of a body that may take all the time it wants: what its lines may not.
  private var line = LineClock()
  private var lastLineIncomplete = true
  private var isInputClosed = false
  private var unwritableSince: NIODeadline?
  private var lingeringSince: NIODeadline?
  private var isClosed = false

  init(limits: Limits, now: NIODeadline) {
    self.limits = limits
    self.reading = .betweenRequests(since: now)
  }

  // MARK: Inbound

  /// Whether the request line is still incomplete.
  var seeksLineEnd: Bool { lastLineIncomplete }

  mutating func bytesArrived(endsLine: Bool, now: NIODeadline) {
    if endsLine { lastLineIncomplete = false }
    if case .betweenRequests = reading { reading = .head(since: now) }
  }

  enum InboundAction: Equatable {
    case forward
    case drop
    case close
    case fail(FailureAction)
  }

  mutating func requestHead(_ head: RequestHead, now: NIODeadline) -> InboundAction {
    switch reading {
    case .nothing, .body: return .drop
    case .betweenRequests, .head: break
    }
    guard head.uriBytes <= limits.uriBytes else { return .fail(failed(.uriTooLong, now: now)) }
    // What the node is called by must not depend on who reads the head (RFC 9112, 3.2).
    guard head.hosts == 1 || (head.hosts == 0 && head.isHTTP10) else { return .fail(failed(.malformed, now: now)) }
    line = LineClock()
    reading = .body(since: now, isUnbounded: head.hasUnboundedBody, discarded: nil)
    exchanges.append(Exchange(head: head))
    return .forward
  }

  mutating func requestBody(bytes: Int) -> InboundAction {
    guard case .body(let since, let isUnbounded, let discarded) = reading else { return .drop }
    guard let discarded else { return .forward }
    guard discarded + bytes <= limits.discardedBytes else { return .close }
    reading = .body(since: since, isUnbounded: isUnbounded, discarded: discarded + bytes)
    return .forward
  }

  /// Whether `bodyArrived` has to be told of line ends; looking for them costs a scan.
  var followsLines: Bool {
    if case .body(_, isUnbounded: true, discarded: nil) = reading { true } else { false }
  }

  /// Bytes of a body whose lines are followed arrived.
  mutating func bodyArrived(_ lineEnd: LineClock.LineEnd, now: NIODeadline) {
    line.arrived(lineEnd, now: now)
  }

  /// Whoever reads wants more.
  mutating func readAsked(now: NIODeadline) {
    if followsLines { line.asked(now: now) }
  }

  mutating func requestEnd(now: NIODeadline) -> InboundAction {
    guard case .body = reading else { return .drop }
    line = LineClock()
    reading = .betweenRequests(since: now)
    lastLineIncomplete = true
    return .forward
  }

  /// What to do about a failure.
  enum FailureAction: Equatable {
    /// Nobody is answering: write the error and close.
    case respond(RequestFailure)
    /// The route that is reading the body gets the error and answers.
    case tellReader(RequestFailure)
    /// Earlier requests are still being answered; `responseEnd` says when.
    case wait
    case close
  }

  /// The decoder, the bounds or a deadline refused what the peer sent; nothing more is read.
  mutating func failed(_ failure: RequestFailure, now: NIODeadline) -> FailureAction {
    let wasReading = reading
    reading = .nothing
    if heldFailure != nil || lingeringSince != nil { return .wait }
    let failure: RequestFailure = failure == .headersTooLarge && lastLineIncomplete ? .uriTooLong : failure
    switch wasReading {
    case .nothing:
      return .wait
    case .body(_, _, discarded: nil):
      exchanges[exchanges.count - 1].closes = true
      return .tellReader(failure)
    case .body:
      return .close
    case .betweenRequests, .head:
      if exchanges.isEmpty {
        lingeringSince = now
        return .respond(failure)
      }
      heldFailure = failure
      return .wait
    }
  }

  /// The peer will send nothing more. An event stream has nobody left to read it; other answers are still written.
  mutating func inputClosed() -> Bool {
    isInputClosed = true
    return exchanges.first.map(\.isEventStream) ?? (lingeringSince != nil)
  }

  // MARK: Outbound

  /// How a response's head has to be changed.
  struct ResponseHeadChanges: Equatable {
    var isHTTP10 = false
    var closes = false
  }

  mutating func responseHead(isEventStream: Bool, asksToClose: Bool) -> ResponseHeadChanges {
    guard !exchanges.isEmpty else { return ResponseHeadChanges(closes: asksToClose) }
    let closes = asksToClose || exchanges[0].closes || !exchanges[0].head.isKeepAlive || isInputClosed
    exchanges[0].isEventStream = isEventStream
    exchanges[0].closes = closes
    return ResponseHeadChanges(isHTTP10: exchanges[0].head.isHTTP10, closes: closes)
  }

  /// Whether the peer asked only for the head.
  var dropsResponseBody: Bool { exchanges.first?.head.isHEAD ?? false }

  /// Whether a stream on the current response is framed in chunks.
  var isChunked: Bool { !(exchanges.first?.head.isHTTP10 ?? false) }

  /// Whether the current response is an event stream whose reader has gone.
  var endsStreamAtOnce: Bool { isInputClosed && (exchanges.first?.isEventStream ?? false) }

  enum ResponseEndAction: Equatable {
    case none
    case respond(RequestFailure)
    case closeOutput
  }

  mutating func responseEnd(now: NIODeadline) -> ResponseEndAction {
    guard let exchange = exchanges.popFirst() else { return .none }
    if exchange.closes {
      lingeringSince = now
      if case .body(let since, let isUnbounded, nil) = reading, exchanges.isEmpty {
        reading = .body(since: since, isUnbounded: isUnbounded, discarded: 0)
      }
      return .closeOutput
    }
    guard exchanges.isEmpty else { return .none }
    switch reading {
    case .body(_, _, discarded: nil):
      // Answered before the body was read: the rest of it is taken off the wire, in bounded time and size.
      reading = .body(since: now, isUnbounded: false, discarded: 0)
    case .betweenRequests:
      reading = .betweenRequests(since: now)
    case .head, .body, .nothing:
      break
    }
    guard let failure = heldFailure else { return .none }
    lingeringSince = now
    return .respond(failure)
  }

  mutating func writabilityChanged(isWritable: Bool, now: NIODeadline) {
    unwritableSince = isWritable ? nil : now
  }

  /// The connection is closed or about to be: there is nothing left to wait for.
  mutating func closed() {
    isClosed = true
  }

  /// Output was closed, by us or by Hummingbird; the peer has a bounded time to close its half.
  mutating func outputClosed(now: NIODeadline) -> Bool {
    if lingeringSince == nil { lingeringSince = now }
    return isInputClosed
  }

  // MARK: Time

  /// The next moment at which `timeReached` has something to say.
  var deadline: NIODeadline? {
    guard !isClosed else { return nil }
    return [readDeadline, writeDeadline, lingeringSince.map { $0 + limits.lingerTimeout }].compactMap { $0 }.min()
  }

  private var readDeadline: NIODeadline? {
    switch reading {
    case .betweenRequests(let since): return exchanges.isEmpty ? since + limits.idleTimeout : nil
    case .head(let since): return since + limits.headTimeout
    case .body(let since, let isUnbounded, _):
      return isUnbounded ? line.deadline(limit: limits.lineTimeout) : since + limits.bodyTimeout
    case .nothing: return nil
    }
  }

  private var writeDeadline: NIODeadline? {
    guard let exchange = exchanges.first, !exchange.isEventStream else { return nil }
    return unwritableSince.map { $0 + limits.writeTimeout }
  }

  enum TimeAction: Equatable {
    case none
    case close
    case fail(FailureAction)
  }

  mutating func timeReached(_ now: NIODeadline) -> TimeAction {
    if let lingeringSince, now >= lingeringSince + limits.lingerTimeout { return .close }
    if let writeDeadline, now >= writeDeadline { return .close }
    guard let readDeadline, now >= readDeadline else { return .none }
    switch reading {
    case .betweenRequests: return .close
    case .head: return .fail(failed(.headTimeout, now: now))
    case .body(_, let isUnbounded, _): return .fail(failed(isUnbounded ? .lineTimeout : .bodyTimeout, now: now))
    case .nothing: return .none
    }
  }
}
