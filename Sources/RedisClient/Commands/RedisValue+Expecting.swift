public import NIOCore
public import RedisWire

/// Accessors for code that knows what a reply must look like: they throw a `protocolViolation` naming what was expected
/// and what came instead (its kind, never its content).
extension RedisValue {
  /// The text of this value.
  ///
  /// - Parameter what: what the value is, for the error: "the session's status".
  public func expectString(_ what: @autoclosure () -> String = "the reply") throws(RedisError) -> String {
    guard let string else { throw unexpected("UTF-8 text", what()) }
    return string
  }

  /// The integer of this value, also when it was sent as decimal text.
  ///
  /// - Parameter what: what the value is, for the error.
  public func expectInteger(_ what: @autoclosure () -> String = "the reply") throws(RedisError) -> Int {
    guard let integer else { throw unexpected("an integer", what()) }
    return integer
  }

  /// The bytes of this value.
  ///
  /// - Parameter what: what the value is, for the error.
  public func expectBytes(_ what: @autoclosure () -> String = "the reply") throws(RedisError) -> ByteBuffer {
    guard let bytes else { throw unexpected("a string", what()) }
    return bytes
  }

  /// The elements of this value.
  ///
  /// - Parameters:
  ///   - minimumCount: how many elements there must be at least.
  ///   - what: what the value is, for the error.
  public func expectArray(
    minimumCount: Int = 0, _ what: @autoclosure () -> String = "the reply"
  ) throws(RedisError) -> [RedisValue] {
    guard let array else { throw unexpected("an array", what()) }
    guard array.count >= minimumCount else { throw unexpected("an array of \(minimumCount) or more", what()) }
    return array
  }

  /// Checks that this is the status `OK`.
  ///
  /// - Parameter what: what the value is, for the error.
  public func expectOK(_ what: @autoclosure () -> String = "the reply") throws(RedisError) {
    guard self == .status("OK") else { throw unexpected("OK", what()) }
  }

  private func unexpected(_ expected: String, _ what: String) -> RedisError {
    if let errorMessage { return .server(errorMessage) }
    return RedisError(
      code: .protocolViolation, message: "Redis sent \(kindDescription) where \(what) should be \(expected).",
      mayHaveRun: true)
  }
}

extension RedisValue {
  /// Names and values that follow each other in an array; nil when it is none.
  var fields: [String: RedisValue]? {
    guard let parts = array else { return nil }
    var result: [String: RedisValue] = [:]
    for index in stride(from: 0, to: parts.count - 1, by: 2) {
      if let name = parts[index].string { result[name] = parts[index + 1] }
    }
    return result
  }
}
