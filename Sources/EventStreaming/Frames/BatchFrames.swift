import NIOCore
import SharedSessions

/// How a stream gets events.
enum StreamView: Sendable {
  /// As they were written.
  case whole
  /// As `ViewerReduction` makes them.
  case reduced
}

/// The frames of some events, encoded at most once for each view and, where streams get all of them, chunked at most once;
/// the same bytes go to all streams. A value used within one turn of the event loop.
struct BatchFrames {
  let events: [StoredEvent]
  private let allocator: ByteBufferAllocator
  private var whole: EncodedFrames?
  private var reduced: EncodedFrames?

  init(_ events: [StoredEvent], allocator: ByteBufferAllocator = ByteBufferAllocator()) {
    self.events = events
    self.allocator = allocator
  }

  /// All frames of a view in a row, as the connection takes them.
  mutating func bytes(_ view: StreamView, for coding: TransferCoding) -> ByteBuffer {
    prepare(view)
    return switch view {
    case .whole: whole?.bytes(for: coding, allocator: allocator) ?? ByteBuffer()
    case .reduced: reduced?.bytes(for: coding, allocator: allocator) ?? ByteBuffer()
    }
  }

  /// Whether an event is part of a view.
  mutating func holds(_ index: Int, in view: StreamView) -> Bool {
    switch view {
    case .whole: return true
    case .reduced:
      prepare(view)
      return reduced?.frames[index] != nil
    }
  }

  /// The frame of an event, which is part of the view: with its `id:` line, or from its first `data:` line on.
  mutating func frame(_ index: Int, in view: StreamView, withID: Bool) -> ByteBuffer {
    prepare(view)
    guard let encoded = view == .whole ? whole : reduced, let frame = encoded.frames[index] else { return ByteBuffer() }
    let start = withID ? frame.start : frame.data
    return encoded.bytes.getSlice(at: start, length: frame.end - start) ?? ByteBuffer()
  }

  /// How many events a view has.
  mutating func count(_ view: StreamView) -> Int {
    guard view == .reduced else { return events.count }
    prepare(view)
    return reduced?.count ?? 0
  }

  /// Whether a view has an event with an id.
  mutating func holdsID(_ view: StreamView) -> Bool {
    prepare(view)
    return (view == .whole ? whole?.holdsID : reduced?.holdsID) ?? false
  }

  /// How many of the last events with an id are not part of a view.
  mutating func withheldAtEnd(_ view: StreamView) -> Int {
    prepare(view)
    return (view == .whole ? whole?.withheldAtEnd : reduced?.withheldAtEnd) ?? 0
  }

  private mutating func prepare(_ view: StreamView) {
    switch view {
    case .whole:
      if whole == nil { whole = EncodedFrames(events, allocator: allocator) { $0 } }
    case .reduced:
      guard reduced == nil else { return }
      if events.contains(where: { ViewerReduction.concerns($0.type) }) {
        reduced = EncodedFrames(events, allocator: allocator) { $0.reduced }
      } else {
        prepare(.whole)
        reduced = whole
      }
    }
  }
}

/// Frames in one buffer, and where each of them lies. A value.
struct EncodedFrames {
  /// Where one frame lies in the buffer.
  struct Frame {
    let start: Int
    /// Where its data begin, behind the `id:` line if there is one.
    let data: Int
    let end: Int
  }

  private(set) var bytes: ByteBuffer
  /// By the place of the event; nil for one that is withheld.
  private(set) var frames: [Frame?] = []
  private(set) var count = 0
  private(set) var holdsID = false
  private(set) var withheldAtEnd = 0
  private var chunked: ByteBuffer?

  /// - Parameter view: an event as the view has it, or nil when it does not.
  init(_ events: [StoredEvent], allocator: ByteBufferAllocator, view: (StoredEvent) -> StoredEvent?) {
    bytes = allocator.buffer(capacity: events.reduce(0) { $0 + $1.data.readableBytes + 64 })
    frames.reserveCapacity(events.count)
    for event in events {
      guard let seen = view(event) else {
        frames.append(nil)
        if event.position != nil { withheldAtEnd += 1 }
        continue
      }
      let start = bytes.writerIndex
      let idLine = seen.writeFrame(into: &bytes)
      frames.append(Frame(start: start, data: start + idLine, end: bytes.writerIndex))
      count += 1
      if event.position != nil {
        holdsID = true
        withheldAtEnd = 0
      }
    }
  }

  mutating func bytes(for coding: TransferCoding, allocator: ByteBufferAllocator) -> ByteBuffer {
    guard coding == .chunked else { return bytes }
    if let chunked { return chunked }
    let chunk = coding.chunk(bytes, allocator: allocator)
    chunked = chunk
    return chunk
  }
}
