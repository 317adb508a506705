public import NIOCore

/// One event of a stream as it is sent and received (WHATWG HTML, "server-sent events"); an immutable value.
public struct ServerSentEvent: Sendable, Hashable {
  /// The cursor of this event: what a client sends back as `Last-Event-ID`. In a received event it is the last id the
  /// stream has named so far, also when this event named none. nil when there is none.
  public var id: String?
  /// The event's type; nil stands for `message`, the only one that `EventSource.onmessage` sees.
  public var type: String?
  /// The payload. It may hold line ends: each becomes a `data:` line of its own.
  public var data: ByteBuffer

  /// An event with the fields given.
  public init(id: String? = nil, type: String? = nil, data: ByteBuffer) {
    self.id = id
    self.type = type
    self.data = data
  }
}
