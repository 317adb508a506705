internal import NIOCore

/// Puts reply bodies together from JSON that scripts have made. Pure functions.
enum ReplyBody {
  /// A JSON object from members that are JSON already; those that are nil are left out.
  static func object(_ members: [(StaticString, ByteBuffer?)]) -> ByteBuffer {
    var body = ByteBuffer()
    body.reserveCapacity(members.reduce(2) { $0 + ($1.1?.readableBytes ?? 0) + $1.0.utf8CodeUnitCount + 4 })
    var separator = "{\""
    for (name, value) in members {
      guard var value else { continue }
      body.writeString(separator)
      body.writeStaticString(name)
      body.writeString("\":")
      body.writeBuffer(&value)
      separator = ",\""
    }
    body.writeString(separator == "{\"" ? "{}" : "}")
    return body
  }

  /// An object with one more member, whose value is a text that needs no escaping (a token).
  static func adding(_ name: StaticString, _ token: String, to object: ByteBuffer) -> ByteBuffer {
    var body = ByteBuffer()
    body.reserveCapacity(object.readableBytes + token.utf8.count + name.utf8CodeUnitCount + 8)
    body.writeBytes(object.readableBytesView.dropLast())
    body.writeString(",\"")
    body.writeStaticString(name)
    body.writeString("\":\"\(token)\"}")
    return body
  }

  /// A text that needs no escaping, as JSON.
  static func quoted(_ text: String) -> ByteBuffer { ByteBuffer(string: "\"\(text)\"") }
}
