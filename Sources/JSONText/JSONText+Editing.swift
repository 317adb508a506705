import NIOCore

extension JSONText {
  /// What becomes of a field of an object.
  public enum MemberEdit: Sendable, Hashable {
    /// It stays as it is.
    case keep
    /// It goes, with the comma that separated it from its neighbour.
    case remove
    /// It gets another value.
    case replace(JSONText)
  }

  /// The same object with some fields changed or left out; every other byte stays as it was, white space included.
  ///
  /// Each field is asked about, in the order of the text, duplicates too: readers differ in which of them they believe.
  ///
  /// - Parameter edit: says what becomes of a field; its name comes with the escapes resolved.
  /// - Returns: the edited object; the value itself when nothing changes or it is no object.
  /// - Throws: what `edit` throws.
  public func editingMembers<Failure: Error>(
    _ edit: (_ name: String, _ value: JSONText) throws(Failure) -> MemberEdit
  ) throws(Failure) -> JSONText {
    let text = bytes.readableBytesUInt8Span
    var fields: [(name: Range<Int>, value: Range<Int>)] = []
    eachMember(text) { fields.append(($0, $1)) }
    guard let last = fields.last else { return self }
    // From behind the brace or comma before a field up to the comma or brace behind it.
    var edited = ByteBuffer()
    var hasChanged = false
    var (start, isFirst) = (1, true)
    for field in fields {
      var end = JSONScanner.skipSpace(text, field.value.upperBound)
      if field == last { end = text.count - 1 }
      let name = String(decoding: JSONScanner.unescape(text, field.name), as: UTF8.self)
      let decision = try edit(name, JSONText(unchecked: bytes, field.value))
      if decision != .keep, !hasChanged {
        hasChanged = true
        edited.reserveCapacity(text.count)
        // What was kept so far, without the comma behind it.
        if !isFirst { append(1..<start - 1, to: &edited) }
      }
      switch decision {
      case .remove: break
      case .keep:
        if hasChanged { append(start..<end, to: &edited, isFirst: isFirst) }
        isFirst = false
      case .replace(let value):
        append(start..<field.value.lowerBound, to: &edited, isFirst: isFirst)
        edited.writeImmutableBuffer(value.bytes)
        append(field.value.upperBound..<end, to: &edited)
        isFirst = false
      }
      start = end + 1
    }
    guard hasChanged else { return self }
    var object = ByteBuffer()
    object.reserveCapacity(edited.readableBytes + 2)
    object.writeInteger(UInt8(ascii: "{"))
    object.writeBuffer(&edited)
    object.writeInteger(UInt8(ascii: "}"))
    return JSONText(written: object)
  }

  private func append(_ range: Range<Int>, to buffer: inout ByteBuffer, isFirst: Bool = true) {
    if !isFirst { buffer.writeInteger(UInt8(ascii: ",")) }
    buffer.writeImmutableBuffer(JSONText(unchecked: bytes, range).bytes)
  }
}
