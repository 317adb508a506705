/// How this node treats its streams. A plain value.
public struct StreamSettings: Sendable, Hashable {
  /// How often a quiet stream gets a comment, so that proxies keep it open.
  public var heartbeat: Duration = .seconds(15)
  /// How many bytes may wait for a client that does not read, before it is disconnected.
  public var bufferBytes: Int = 1 << 20
  /// About how long a client is asked to wait before it reconnects.
  public var retry: Duration = .seconds(2)
  /// How long a stream that cannot be opened because Redis is away stays open for its return. It ends then, and its client
  /// comes again; zero refuses it at once.
  public var patience: Duration = .seconds(30)
  /// How often each session with streams is compared with Redis, less up to a fifth.
  public var comparison: Duration = .seconds(25)
  /// How long a participant without streams still counts as online, since pages reload and connections move.
  public var presenceDebounce: Duration = .seconds(2)
  /// Streams of one participant of a session, over all nodes.
  public var streamsPerParticipant: Int = 64
  /// Streams of this node.
  public var streamsPerNode: Int = 20_000

  /// The defaults.
  public init() {}
}
