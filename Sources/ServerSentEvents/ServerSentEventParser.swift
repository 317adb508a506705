public import NIOCore

/// Reads a server-sent event stream piece by piece; a value that one task owns and feeds.
///
/// It follows the WHATWG rules: any of LF, CR and CRLF ends a line, also when the pieces are cut inside of one; a byte
/// order mark at the start is skipped; an event that the stream ends inside of is dropped. It is bounded: a line or an
/// event's data longer than allowed is an error, not memory.
public struct ServerSentEventParser: Sendable {
  /// What a stream holds.
  public enum Item: Sendable, Hashable {
    /// A complete event.
    case event(ServerSentEvent)
    /// An event beyond the limit was passed over, by a parser made to do so. `id` is the cursor behind it.
    case tooLarge(id: String?)
    /// How long to wait before reconnecting, in milliseconds.
    case retry(milliseconds: Int64)
    /// A comment, as heartbeats are.
    case comment
  }

  /// Why reading stopped. The parser is of no use after it.
  public enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
    /// One line, or the data of one event, is longer than the limit in bytes.
    case tooLarge(limit: Int)

    /// One sentence for a person.
    public var description: String {
      switch self {
      case .tooLarge(let limit): "The stream holds an event of more than \(limit) bytes."
      }
    }
  }

  /// The id of the last complete event, or a later one named without data: the cursor to resume from. An id counts only
  /// with the blank line behind its event, so a stream cut inside of an event is resumed before it.
  public private(set) var lastEventID: String?

  private let maximumEventBytes: Int
  private let skipsTooLarge: Bool
  /// The rest of the line is thrown away.
  private var isSkippingLine = false
  /// What is left of the event is thrown away.
  private var isSkippingEvent = false
  private var line = ByteBuffer()
  private var skipsLineFeed = false
  private var isFirstLine = true
  private var data: ByteBuffer?
  private var type: String?
  private var id: String?

  /// A parser at the start of a stream.
  ///
  /// - Parameters:
  ///   - lastEventID: the cursor this stream was resumed from.
  ///   - maximumEventBytes: the most bytes a line, or one event's data, may have.
  ///   - skipsTooLarge: whether what has more is passed over and told as an item, instead of ending the reading. A reader
  ///     that resumes by cursor would meet the same event again and again.
  public init(lastEventID: String? = nil, maximumEventBytes: Int = 4 * 1024 * 1024, skipsTooLarge: Bool = false) {
    self.skipsTooLarge = skipsTooLarge
    self.lastEventID = lastEventID
    self.id = lastEventID
    self.maximumEventBytes = maximumEventBytes
  }

  /// Takes the next piece of the stream and returns what it completes, in order.
  ///
  /// - Throws: `Failure.tooLarge` when a line or an event outgrows the limit.
  public mutating func parse(_ piece: ByteBuffer) throws(Failure) -> [Item] {
    var items: [Item] = []
    let view = piece.readableBytesView
    var start = view.startIndex
    if skipsLineFeed, start < view.endIndex {
      skipsLineFeed = false
      if view[start] == UInt8(ascii: "\n") { start += 1 }
    }
    while let end = view[start...].firstIndex(where: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
      try append(view[start..<end])
      try finishLine(into: &items)
      start = end + 1
      if view[end] == UInt8(ascii: "\r") {
        if start == view.endIndex {
          skipsLineFeed = true
        } else if view[start] == UInt8(ascii: "\n") {
          start += 1
        }
      }
    }
    try append(view[start...])
    return items
  }

  private mutating func append(_ part: ByteBufferView) throws(Failure) {
    guard !isSkippingLine else { return }
    // The longest field name and its colon don't count against the data.
    guard line.readableBytes + part.count <= maximumEventBytes + 16 else {
      try skipEvent()
      isSkippingLine = true
      line = ByteBuffer()
      return
    }
    line.writeBytes(part)
  }

  private mutating func skipEvent() throws(Failure) {
    guard skipsTooLarge else { throw .tooLarge(limit: maximumEventBytes) }
    isSkippingEvent = true
    data = nil
  }

  private mutating func finishLine(into items: inout [Item]) throws(Failure) {
    defer { line.clear() }
    if isSkippingLine {
      (isSkippingLine, isFirstLine) = (false, false)
      return
    }
    if isFirstLine {
      isFirstLine = false
      if line.readableBytesView.starts(with: [0xEF, 0xBB, 0xBF]) { line.moveReaderIndex(forwardBy: 3) }
    }
    guard line.readableBytes > 0 else { return finishEvent(into: &items) }
    let view = line.readableBytesView
    let colon = view.firstIndex(of: UInt8(ascii: ":")) ?? view.endIndex
    guard colon > view.startIndex else { return items.append(.comment) }
    var value = colon < view.endIndex ? view[(colon + 1)...] : view[view.endIndex...]
    if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
    try field(String(decoding: view[..<colon], as: UTF8.self), value, into: &items)
  }

  private mutating func field(_ name: String, _ value: ByteBufferView, into items: inout [Item]) throws(Failure) {
    switch name {
    case "data":
      guard !isSkippingEvent else { return }
      var collected = data ?? ByteBuffer()
      if data != nil { collected.writeInteger(UInt8(ascii: "\n")) }
      guard collected.readableBytes + value.count <= maximumEventBytes else {
        return try skipEvent()
      }
      data = nil  // Keeps the storage unique: appending must not copy what is there.
      collected.writeBytes(value)
      data = collected
    case "id":
      // An id with a NUL is ignored; an empty one clears the cursor.
      guard !value.contains(0) else { return }
      id = value.isEmpty ? nil : String(decoding: value, as: UTF8.self)
    case "event":
      type = value.isEmpty ? nil : String(decoding: value, as: UTF8.self)
    case "retry":
      guard !value.isEmpty, value.allSatisfy({ $0 &- UInt8(ascii: "0") < 10 }),
        let milliseconds = Int64(String(decoding: value, as: UTF8.self))
      else { return }
      items.append(.retry(milliseconds: milliseconds))
    default:
      return
    }
  }

  private mutating func finishEvent(into items: inout [Item]) {
    defer {
      data = nil
      type = nil
      isSkippingEvent = false
    }
    lastEventID = id
    if isSkippingEvent { return items.append(.tooLarge(id: lastEventID)) }
    guard let data else { return }
    items.append(.event(ServerSentEvent(id: lastEventID, type: type, data: data)))
  }
}
