import Atomics
import Basics
import HTTPTypes
import HummingbirdCore
import NIOCore
import ServerSentEvents
import SharedSessions

extension Reply {
  /// What an attached bridge reads: its dispatches, with heartbeats between them.
  ///
  /// Messages are few, so they go through the HTTP encoder one by one. The attachment runs exactly as long as the
  /// response: when the bridge goes away, or the node drains, its lease is no longer renewed.
  static func dispatches(
    _ attachment: DispatchAttachment, on channel: any Channel, beat: Duration, retry: Duration, drain: Latch
  ) -> Reply {
    // An attachment holds its subscription until it has run: one whose bridge is gone already is run for no time.
    let hasRun = ManagedAtomic(false)
    let onEnd: @Sendable () -> Void = {
      guard !hasRun.exchange(true, ordering: .relaxed) else { return }
      Task { await attachment.run() }.cancel()
    }
    return .stream(
      eventStreamHead,
      StreamedBody(onEnd: onEnd) { writer in
        let (output, continuation) = AsyncStream.makeStream(of: ByteBuffer.self, bufferingPolicy: .bufferingOldest(256))
        channel.closeFuture.whenComplete { _ in continuation.finish() }
        let forget = drain.whenSet { continuation.finish() }
        defer { forget() }
        var first = ByteBuffer()
        ServerSentEventEncoder.writeRetry(milliseconds: retry.wholeMilliseconds, into: &first)
        try await writer.write(first)
        hasRun.store(true, ordering: .relaxed)
        let running = Task { await attachment.run() }
        let forwarding = Task {
          for await message in attachment.messages {
            var bytes = ByteBuffer()
            try? ServerSentEventEncoder.write(ServerSentEvent(data: message), into: &bytes)
            continuation.yield(bytes)
          }
          continuation.finish()
        }
        let beating = Task {
          var heartbeat = ByteBuffer()
          ServerSentEventEncoder.writeHeartbeat(into: &heartbeat)
          while (try? await Task.sleep(for: beat)) != nil { continuation.yield(heartbeat) }
        }
        defer {
          for task in [running, forwarding, beating] { task.cancel() }
        }
        try await withTaskCancellationHandler {
          for await bytes in output { try await writer.write(bytes) }
        } onCancel: {
          continuation.finish()
        }
        try await writer.finish(nil)
      })
  }
}
