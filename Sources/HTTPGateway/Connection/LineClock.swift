import NIOCore

/// The time that the line of an NDJSON body which is arriving has taken. A value.
///
/// It runs only while the connection waits for the peer: what the peer has sent may wait for Redis as long as it must. More
/// bytes of the same line buy no time.
struct LineClock {
  /// Where among some bytes their last line end is.
  enum LineEnd: Equatable {
    case none
    case inside
    case atEnd

    init(in bytes: ByteBufferView) {
      guard let index = bytes.lastIndex(of: UInt8(ascii: "\n")) else {
        self = .none
        return
      }
      self = index == bytes.endIndex - 1 ? .atEnd : .inside
    }
  }

  private var isWithinLine = false
  private var spent = TimeAmount.zero
  private var waitingSince: NIODeadline?

  /// Bytes of the body arrived.
  mutating func arrived(_ lineEnd: LineEnd, now: NIODeadline) {
    if let waitingSince { spent = spent + (now - waitingSince) }
    waitingSince = nil
    if lineEnd != .none { spent = .zero }
    isWithinLine = lineEnd != .atEnd
  }

  /// More bytes are wanted.
  mutating func asked(now: NIODeadline) {
    if isWithinLine, waitingSince == nil { waitingSince = now }
  }

  /// When the line will have taken too long; nil while it does not run.
  func deadline(limit: TimeAmount) -> NIODeadline? { waitingSince.map { $0 + (limit - spent) } }
}
