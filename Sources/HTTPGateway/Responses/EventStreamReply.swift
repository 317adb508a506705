import EventStreaming
import HTTPTypes
import HummingbirdCore
import NIOCore

extension Reply {
  /// The head of every event stream: nothing between here and the client may keep, change or hold back a byte.
  static let eventStreamHead = HTTPResponse(
    status: .ok,
    headerFields: [
      .contentType: "text/event-stream", .cacheControl: "no-cache, no-store, no-transform", .accelBuffering: "no",
    ])

  /// A session's events. The request's task writes the first frames through the HTTP encoder, so that the head goes out
  /// before them; everything after is written below it by the hub.
  static func events(_ stream: OpenStream, on channel: any Channel) -> Reply {
    .stream(
      eventStreamHead,
      StreamedBody(onEnd: { stream.close() }) { writer in
        try await writer.write(stream.firstFrames())
        guard try await serve(stream, on: channel) else { throw CancellationError() }
        try await writer.finish(nil)
      })
  }

  /// Writes a stream to its end, behind its first frames.
  ///
  /// - Returns: whether the response ends in order; otherwise its connection has been closed.
  static func serve(_ stream: OpenStream, on channel: any Channel) async throws -> Bool {
    let connection = try await channel.eventLoop.submit {
      let pipeline = channel.pipeline.syncOperations
      let output = try pipeline.handler(type: WireHandler.self)
      let coding: TransferCoding = try pipeline.handler(type: RequestGuard.self).isChunked ? .chunked : .identity
      return (output: NIOLoopBound(output, eventLoop: channel.eventLoop), coding: coding)
    }.get()
    if await stream.serve(coding: connection.coding, output: { connection.output.value }) { return true }
    try? await channel.close()
    return false
  }
}
