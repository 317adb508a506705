internal import CHiredis
public import NIOCore

/// Bounds of one reply. A value.
public struct RedisReplyLimits: Sendable, Hashable {
  /// The most bytes of the wire that one reply may take; a larger one is read past and becomes `.oversized`. Memory for a reply of
  /// many tiny elements can be some fifteen times that.
  public var maximumBytes: Int
  /// How deep arrays may nest, from 1 (no array in an array) to 8, which is all that hiredis 0.14 can parse.
  public let maximumDepth: Int

  /// Bounds from both parts; a depth outside 1...8 becomes the nearest of those.
  public init(maximumBytes: Int = 64 << 20, maximumDepth: Int = 8) {
    self.maximumBytes = max(maximumBytes, 1)
    self.maximumDepth = min(max(maximumDepth, 1), 8)
  }
}

/// Why a stream of replies cannot be read on. A value; the connection must be closed.
public enum RedisWireError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The bytes are not RESP2; the text is what the parser says.
  case malformed(String)
  /// A reply nests deeper than the limit.
  case tooDeep(maximum: Int)

  /// One sentence for a person.
  public var description: String {
    switch self {
    case .malformed(let reason): "Redis sent bytes that are not a reply: \(reason)."
    case .tooDeep(let maximum): "Redis sent a reply nested deeper than \(maximum) arrays."
    }
  }
}

/// Parses the replies of one connection with hiredis's reader, from whatever pieces the bytes arrive in.
///
/// A reply beyond the limit costs nobody but whoever asked for it: it is read past without being kept, and the replies behind it
/// follow as usual.
///
/// A class for one event loop at a time: it is not Sendable, and nothing in it is shared with another reader. After an
/// error it gives the same error for ever.
public final class RedisReplyReader {
  /// Bytes given to hiredis at once. It moves the unparsed rest of its buffer to the front again and again, so the less it holds the better.
  private static let pieceSize = 16 << 10

  /// The longest line (status, error, number or length) that is waited for.
  private static let longestLine = 64 << 10

  private let limits: RedisReplyLimits
  private let builder: ReplyBuilder
  private let sink: UnsafeMutablePointer<tandem_reply_sink>
  private var reader: UnsafeMutablePointer<redisReader>
  /// Bytes fed since the last reply ended: the size of the reply under way, and what follows it in the same piece.
  private var bytesSinceReply = 0
  /// Follows a reply that came in more than one piece.
  private var scanner: ReplyScanner?
  /// Whether the reply under way is beyond the limit: only the scanner sees it.
  private var isPassingOver = false
  private var failure: RedisWireError?

  /// A reader at the start of a connection.
  public init(limits: RedisReplyLimits = RedisReplyLimits()) {
    self.limits = limits
    builder = ReplyBuilder(limits: limits)
    sink = .allocate(capacity: 1)
    sink.initialize(to: Self.makeSink(for: builder))
    reader = Self.makeReader(sink)
  }

  private static func makeReader(_ sink: UnsafeMutablePointer<tandem_reply_sink>) -> UnsafeMutablePointer<redisReader> {
    guard let reader = tandem_reader_create(sink) else {
      fatalError("No memory for a reply reader of a few hundred bytes.")
    }
    return reader
  }

  /// Bytes of the reply under way that wait to be parsed.
  var keptBytes: Int { tandem_reader_unparsed(reader) }

  deinit {
    // The reader may call `freeObject` while it is freed; sink and builder are still there.
    redisReaderFree(reader)
    sink.deinitialize(count: 1)
    sink.deallocate()
  }

  /// Takes in bytes and calls `onReply` for each reply that they complete, in order.
  ///
  /// - Parameters:
  ///   - bytes: what arrived; all of it is taken.
  ///   - onReply: called before this returns; must not call this reader.
  /// - Throws: `RedisWireError` for bytes that are no reply or nest too deep. Replies before them were handed over.
  public func read(_ bytes: ByteBuffer, onReply: (RedisValue) -> Void) throws(RedisWireError) {
    var rest = bytes
    while let piece = rest.readSlice(length: min(rest.readableBytes, Self.pieceSize)), piece.readableBytes > 0 {
      if let failure { throw failure }
      var piece = piece
      if isPassingOver {
        guard let end = scan(piece) else {
          if let failure = scanner?.failure { throw fail(failure) }
          continue
        }
        endOversized()
        onReply(.oversized(limit: limits.maximumBytes))
        piece.moveReaderIndex(forwardBy: end)
      }
      if piece.readableBytes > 0 { try parse(piece, onReply: onReply) }
    }
  }

  private func parse(_ piece: ByteBuffer, onReply: (RedisValue) -> Void) throws(RedisWireError) {
    let status = piece.withUnsafeReadableBytes { raw in
      redisReaderFeed(reader, raw.baseAddress?.assumingMemoryBound(to: CChar.self), raw.count)
    }
    bytesSinceReply += piece.readableBytes
    guard status == REDIS_OK else { throw fail() }
    while let reply = try next() { onReply(reply) }
    guard bytesSinceReply > 0 else { return }
    // Only a reply that has not ended with its piece is scanned: most have.
    let begun = min(bytesSinceReply, piece.readableBytes)
    _ = scan(piece.getSlice(at: piece.writerIndex - begun, length: begun) ?? ByteBuffer())
    guard let scanner, scanner.leastSize > limits.maximumBytes else { return }
    if let failure = scanner.failure { throw fail(failure) }
    passOver()
  }

  private func next() throws(RedisWireError) -> RedisValue? {
    var object: UnsafeMutableRawPointer?
    guard redisReaderGetReply(reader, &object) == REDIS_OK else { throw fail() }
    guard object != nil else {
      guard tandem_reader_line_exceeds(reader, Self.longestLine) == 0 else {
        throw fail(.malformed("a line of more than \(Self.longestLine) bytes"))
      }
      return nil
    }
    let unparsed = tandem_reader_unparsed(reader)
    let size = bytesSinceReply - unparsed
    bytesSinceReply = unparsed
    scanner = nil
    guard let reply = builder.takeReply() else { throw fail(.malformed("a reply ended before its last element")) }
    return size > limits.maximumBytes ? .oversized(limit: limits.maximumBytes) : reply
  }

  /// - Returns: how many of the bytes end the reply under way, or nil when it goes on.
  private func scan(_ bytes: ByteBuffer) -> Int? {
    var scanner = scanner ?? ReplyScanner()
    defer { self.scanner = scanner }
    return bytes.withUnsafeReadableBytes { scanner.scan($0) }
  }

  /// Forgets what has been parsed of the reply under way. hiredis has no way to, so it gets a new reader.
  private func passOver() {
    isPassingOver = true
    redisReaderFree(reader)
    builder.forget()
    reader = Self.makeReader(sink)
    bytesSinceReply = 0
  }

  private func endOversized() {
    isPassingOver = false
    scanner = nil
  }

  private func fail(_ error: RedisWireError? = nil) -> RedisWireError {
    if let failure { return failure }
    let text = String(cString: tandem_reader_error(reader))
    // hiredis 0.14 stops at nine levels by itself, before the builder is asked.
    let isDepth = text.hasPrefix("No support for nested")
    let reason = error ?? builder.refusal ?? (isDepth ? .tooDeep(maximum: limits.maximumDepth) : .malformed(text))
    failure = reason
    return reason
  }

  /// The functions that hiredis calls. `context` is the builder, which this reader keeps alive for as long as hiredis's.
  private static func makeSink(for builder: ReplyBuilder) -> tandem_reply_sink {
    tandem_reply_sink(
      context: Unmanaged.passUnretained(builder).toOpaque(),
      string: { context, type, bytes, count in
        let kind: ReplyBuilder.TextType =
          switch type {
          case REDIS_REPLY_STATUS: .status
          case REDIS_REPLY_ERROR: .error
          default: .string
          }
        return call(context) { $0.appendText(type: kind, UnsafeRawBufferPointer(start: bytes, count: count)) }
      },
      array: { context, count, depth in call(context) { $0.beginArray(count: Int(count), depth: Int(depth)) } },
      integer: { context, number in call(context) { $0.append(.integer(Int(number))) } },
      nil: { context in call(context) { $0.append(.null) } },
      unsupported: { context in call(context) { $0.refuse(.malformed("a kind of value that only RESP3 has")) } })
  }
}

/// Gets from hiredis's context back to the builder. The pointer was made from a live builder in `makeSink`.
private func call(_ context: UnsafeMutableRawPointer?, _ body: (ReplyBuilder) -> Bool) -> Int32 {
  guard let context else { return 0 }
  return Unmanaged<ReplyBuilder>.fromOpaque(context)._withUnsafeGuaranteedRef(body) ? 1 : 0
}
