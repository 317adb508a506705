import NIOCore
import NIOPosix

/// What a server says about itself in reply to INFO.
///
/// Isolation: an immutable value.
struct RedisServerInfo: Sendable, Hashable {
  let processIdentifier: Int32
  let version: RedisServerVersion?
  /// It still reads its data and refuses commands meanwhile.
  let isLoading: Bool

  /// Reads the text of the reply: lines of `name:value`.
  init?(_ text: String) {
    var fields: [Substring: Substring] = [:]
    for line in text.split(whereSeparator: \.isNewline) {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2 { fields[parts[0]] = parts[1] }
    }
    guard let identifier = fields["process_id"].flatMap({ Int32($0) }), identifier > 1 else { return nil }
    processIdentifier = identifier
    version = fields["redis_version"].flatMap { RedisServerVersion(String($0)) }
    isLoading = fields["loading"] == "1"
  }

  /// Asks the server at a socket.
  ///
  /// This little exchange needs no Redis client: one command, one bulk string.
  ///
  /// - Returns: nil when nobody answers properly within the limit.
  static func ask(socketPath: String, within limit: Duration) async -> RedisServerInfo? {
    await withTaskGroup(of: RedisServerInfo?.self) { group in
      group.addTask { try? await exchange(socketPath: socketPath) }
      group.addTask {
        try? await Task.sleep(for: limit)
        return nil
      }
      let first = await group.next()
      group.cancelAll()
      return first.flatMap(\.self)
    }
  }

  private static func exchange(socketPath: String) async throws -> RedisServerInfo? {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(unixDomainSocketPath: socketPath) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    return try await channel.executeThenClose { inbound, outbound in
      try await outbound.write(ByteBuffer(string: "*1\r\n$4\r\nINFO\r\n"))
      var received = ByteBuffer()
      for try await part in inbound {
        received.writeImmutableBuffer(part)
        guard received.readableBytes <= 1 << 20 else { return nil }
        if let text = bulkString(received) { return RedisServerInfo(text) }
        if received.getBytes(at: received.readerIndex, length: 1) != [UInt8(ascii: "$")] { return nil }
      }
      return nil
    }
  }

  /// The text of `$LENGTH\r\nTEXT\r\n`, once all of it is there.
  private static func bulkString(_ buffer: ByteBuffer) -> String? {
    var buffer = buffer
    guard let header = buffer.readableBytesView.firstIndex(of: UInt8(ascii: "\n")),
      let line = buffer.readString(length: header - buffer.readerIndex + 1),
      let length = Int(line.dropFirst().dropLast(1)), length >= 0
    else { return nil }
    return buffer.readString(length: length)
  }
}
