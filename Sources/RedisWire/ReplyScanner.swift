/// Finds where a reply ends without keeping any of it, and how long it will be at least. A value.
///
/// It is what makes a reply beyond the limit harmless: the length of a string stands before the string, so such a reply is
/// known early, and its bytes can be passed over without being kept.
struct ReplyScanner {
  private enum State {
    /// The first byte of a value comes next.
    case type
    /// In a line of text, up to its end.
    case text(afterReturn: Bool)
    /// In a line with a number: a string's length, or the number of an array's elements.
    case number(isArray: Bool, value: Int, isNegative: Bool, digits: Int)
    /// Behind the CR of such a line.
    case numberEnd(isArray: Bool, value: Int)
    /// In a string and the line end behind it; so many bytes are left.
    case string(left: Int)
    case ended
    /// What came cannot be a reply.
    case failed(RedisWireError)
  }

  /// As deep as hiredis parses.
  private static let mostDepth = 8
  /// More digits than a 64-bit number has.
  private static let mostDigits = 20
  /// The shortest value: "+" CR LF.
  private static let shortestValue = 3

  private var state = State.type
  /// For each array that the scanner is in, how many of its elements have not begun.
  private var missing: [Int] = []
  private var scanned = 0

  /// The fewest bytes that the reply can have in all, as far as it is known.
  var leastSize: Int {
    let begun =
      switch state {
      case .type: Self.shortestValue
      case .string(let left): left
      case .text, .number, .numberEnd, .ended, .failed: 0
      }
    // Sums of numbers from outside, so none may overflow.
    return missing.reduce(Self.sum(scanned, begun)) { size, elements in
      let (bytes, isOver) = elements.multipliedReportingOverflow(by: Self.shortestValue)
      return isOver ? Int.max : Self.sum(size, bytes)
    }
  }

  /// Why the end cannot be found any more, or nil.
  var failure: RedisWireError? {
    if case .failed(let error) = state { error } else { nil }
  }

  /// Takes in what follows.
  ///
  /// - Returns: how many of the bytes belong to the reply when it ends among them; nil when it goes on, or for what cannot be a
  ///   reply.
  mutating func scan(_ bytes: UnsafeRawBufferPointer) -> Int? {
    var index = 0
    defer { scanned = Self.sum(scanned, index) }
    while index < bytes.count {
      switch state {
      case .type:
        begin(bytes[index])
        index += 1
      case .text(let afterReturn):
        let byte = bytes[index]
        index += 1
        if afterReturn, byte == UInt8(ascii: "\n") {
          ended()
        } else {
          state = .text(afterReturn: byte == UInt8(ascii: "\r"))
        }
      case .number(let isArray, let value, let isNegative, let digits):
        let byte = bytes[index]
        index += 1
        switch byte {
        case UInt8(ascii: "\r") where digits > 0 && (!isNegative || value == 1):
          state = .numberEnd(isArray: isArray, value: isNegative ? -1 : value)
        case UInt8(ascii: "-") where digits == 0 && !isNegative:
          state = .number(isArray: isArray, value: 0, isNegative: true, digits: 0)
        case UInt8(ascii: "0")...UInt8(ascii: "9") where digits < Self.mostDigits:
          let (tens, isOver) = value.multipliedReportingOverflow(by: 10)
          let next = isOver ? Int.max : Self.sum(tens, Int(byte - UInt8(ascii: "0")))
          state = .number(isArray: isArray, value: next, isNegative: isNegative, digits: digits + 1)
        default: state = .failed(.malformed("a length that is no number"))
        }
      case .numberEnd(let isArray, let value):
        if bytes[index] == UInt8(ascii: "\n") {
          length(value, isArray: isArray)
        } else {
          state = .failed(.malformed("a length that is no number"))
        }
        index += 1
      case .string(let left):
        let part = min(left, bytes.count - index)
        index += part
        if part == left { ended() } else { state = .string(left: left - part) }
      case .ended: return index
      case .failed:
        index = bytes.count
        return nil
      }
      if case .ended = state { return index }
    }
    return nil
  }

  private mutating func begin(_ type: UInt8) {
    switch type {
    case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: ":"): state = .text(afterReturn: false)
    case UInt8(ascii: "$"): state = .number(isArray: false, value: 0, isNegative: false, digits: 0)
    case UInt8(ascii: "*"): state = .number(isArray: true, value: 0, isNegative: false, digits: 0)
    default: state = .failed(.malformed("a kind of value that RESP2 does not have"))
    }
  }

  private mutating func length(_ value: Int, isArray: Bool) {
    guard value >= 0 else { return ended() }
    guard isArray else {
      state = .string(left: Self.sum(value, 2))
      return
    }
    guard value > 0 else { return ended() }
    guard missing.count < Self.mostDepth else {
      state = .failed(.tooDeep(maximum: Self.mostDepth))
      return
    }
    missing.append(value - 1)
    state = .type
  }

  /// A value has ended, and with it every array of which it was the last element.
  private mutating func ended() {
    while let last = missing.popLast() {
      guard last == 0 else {
        missing.append(last - 1)
        state = .type
        return
      }
    }
    state = .ended
  }

  /// A sum that stays at the largest number instead of overflowing.
  private static func sum(_ left: Int, _ right: Int) -> Int {
    let (sum, isOver) = left.addingReportingOverflow(right)
    return isOver ? Int.max : sum
  }
}
