import Atomics
import NIOCore
import SharedSessions

/// A session that somebody asked to stream. A value.
public enum StreamPart: Sendable {
  /// It is counted and followed.
  case admitted(AdmittedStream)
  /// It is not, while others of the same connection may be.
  case refused(RefusedStream)
}

/// Why a session is not streamed, as its client is told. A value.
public struct RefusedStream: Sendable, Hashable {
  /// The session.
  public var sessionID: String
  /// Where its stream would have started; the client keeps that place for its next attempt.
  public var start: StreamRequest.Start
  /// The code of the error a stream of its own would have been refused with.
  public var code: String
  /// That error's sentence.
  public var message: String

  /// A refusal from its parts.
  public init(sessionID: String, start: StreamRequest.Start, code: String, message: String) {
    self.sessionID = sessionID
    self.start = start
    self.code = code
    self.message = message
  }
}

/// One session's stream that is counted and whose events are being followed, but that has no connection yet.
/// Sendable.
public final class AdmittedStream: Sendable {
  let request: StreamRequest
  let start: EventID
  let reset: StreamReset?
  let feed: NIOLoopBound<SessionFeed>
  private let metrics: StreamMetrics
  private let onClose: @Sendable () -> Void
  private let isClosed = ManagedAtomic(false)

  init(
    request: StreamRequest, start: EventID, reset: StreamReset?, feed: NIOLoopBound<SessionFeed>,
    metrics: StreamMetrics, onClose: @escaping @Sendable () -> Void
  ) {
    self.request = request
    self.start = start
    self.reset = reset
    self.feed = feed
    self.metrics = metrics
    self.onClose = onClose
  }

  /// Gives everything back. More than once does nothing.
  public func close() { close(.clientGone) }

  func close(_ end: StreamEnd) {
    guard !isClosed.exchange(true, ordering: .relaxed) else { return }
    metrics.ended(end)
    onClose()
  }
}
