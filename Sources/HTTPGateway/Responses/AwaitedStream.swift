import Basics
import EventStreaming
import HTTPTypes
import HummingbirdCore
import NIOCore
import ServerSentEvents
import SharedSessions

/// An event stream that is opened as soon as Redis lets it be. A value.
///
/// While Redis is away nobody knows who a caller is, and a browser's EventSource gives up for good on any status but 200. So the
/// stream begins with its `retry:` and says nothing of any session until the caller has been found out. One that is refused
/// then ends: its client comes again, and is told why.
struct AwaitedStream: Sendable {
  let streams: EventStreams
  let settings: StreamSettings
  let drain: Latch
  /// Finds out who the caller is and opens the stream. Called again and again, each time from the beginning.
  let open: @Sendable () async throws -> OpenStream

  /// The stream, open or waiting.
  ///
  /// - Throws: why it is refused, when that is known at once.
  func reply(on channel: any Channel) async throws -> Reply {
    do {
      return .events(try await open(), on: channel)
    } catch {
      guard Self.mayPass(error), settings.patience > .zero else { throw error }
      return try waiting(on: channel)
    }
  }

  /// Whether the same attempt can succeed when Redis is back.
  static func mayPass(_ error: any Error) -> Bool {
    guard let error = error as? SharedSessionError else { return false }
    return error.code == .unavailable || error.code == .outcomeUnknown
  }

  private func waiting(on channel: any Channel) throws -> Reply {
    let leave = try streams.wait()
    return .stream(
      Reply.eventStreamHead,
      StreamedBody(onEnd: leave) { writer in
        var first = ByteBuffer()
        ServerSentEventEncoder.writeRetry(milliseconds: streams.nextRetry().wholeMilliseconds, into: &first)
        ServerSentEventEncoder.writeHeartbeat(into: &first)
        try await writer.write(first)
        var wait = Wait(settings)
        while true {
          switch try await attempt(&wait, on: channel) {
          case .failed: break
          case .isQuiet:
            var heartbeat = ByteBuffer()
            ServerSentEventEncoder.writeHeartbeat(into: &heartbeat)
            try await writer.write(heartbeat)
          case .refused: return try await writer.finish(nil)
          case .opened(let stream):
            defer { stream.close() }
            leave()
            try await writer.write(stream.firstFrames(tellsRetry: false))
            guard try await Reply.serve(stream, on: channel) else { throw CancellationError() }
            return try await writer.finish(nil)
          }
        }
      })
  }

  /// When to try again, to say something, and to end.
  private struct Wait {
    let deadline: ContinuousClock.Instant
    var spokenAt = ContinuousClock.now
    /// Many wait: they must not all come back in the moment in which Redis does.
    var pauses = Backoff(first: .milliseconds(250), longest: .seconds(2))

    init(_ settings: StreamSettings) { deadline = ContinuousClock.now + settings.patience }
  }

  private enum Attempt {
    case opened(OpenStream)
    /// Redis is still away.
    case failed
    /// And the client has heard nothing for a while.
    case isQuiet
    /// The client has to come again.
    case refused
  }

  private func attempt(_ wait: inout Wait, on channel: any Channel) async throws -> Attempt {
    try await Task.sleep(for: min(wait.pauses.next(), settings.heartbeat))
    guard channel.isActive else { throw CancellationError() }
    guard !drain.isSet else { return .refused }
    do {
      return .opened(try await open())
    } catch {
      guard Self.mayPass(error), ContinuousClock.now < wait.deadline else { return .refused }
    }
    guard ContinuousClock.now - wait.spokenAt >= settings.heartbeat else { return .failed }
    wait.spokenAt = .now
    return .isQuiet
  }
}
