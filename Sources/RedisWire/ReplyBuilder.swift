internal import NIOCore

/// Puts the values that the reader parses together into one reply, without an intermediate tree.
///
/// A class confined to its `RedisReplyReader`: hiredis calls it only from inside the reader's own calls.
final class ReplyBuilder {
  /// An array whose elements are still coming.
  private struct OpenArray {
    var values: [RedisValue]
    var missing: Int
  }

  private let limits: RedisReplyLimits
  private var open: [OpenArray] = []
  private var finished: RedisValue?
  /// Why a value was refused; hiredis itself can only say "out of memory" then.
  private(set) var refusal: RedisWireError?

  init(limits: RedisReplyLimits) { self.limits = limits }

  /// The whole reply, once the reader says that there is one.
  func takeReply() -> RedisValue? { finished.take() }

  /// Drops what it has of a reply that will not be parsed to its end.
  func forget() {
    open = []
    finished = nil
  }

  /// Takes a value that is complete in itself; closes every array that it completes.
  func append(_ value: RedisValue) -> Bool {
    var value = value
    while var array = open.popLast() {
      array.values.append(value)
      array.missing -= 1
      guard array.missing == 0 else {
        open.append(array)
        return true
      }
      value = .array(array.values)
    }
    finished = value
    return true
  }

  func appendText(type: TextType, _ bytes: UnsafeRawBufferPointer) -> Bool {
    switch type {
    case .status: append(.status(String(decoding: bytes, as: UTF8.self)))
    case .error: append(.error(String(decoding: bytes, as: UTF8.self)))
    case .string: append(.bytes(ByteBuffer(bytes: bytes)))
    }
  }

  func beginArray(count: Int, depth: Int) -> Bool {
    guard depth < limits.maximumDepth else { return refuse(.tooDeep(maximum: limits.maximumDepth)) }
    guard count > 0 else { return append(.array([])) }
    var values: [RedisValue] = []
    // The count is only a claim until the elements are here.
    values.reserveCapacity(min(count, 64))
    open.append(OpenArray(values: values, missing: count))
    return true
  }

  func refuse(_ reason: RedisWireError) -> Bool {
    refusal = reason
    return false
  }

  /// How a piece of text was sent.
  enum TextType {
    case string, status, error
  }
}
