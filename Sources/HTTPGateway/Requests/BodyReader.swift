import HTTPTypes
import HummingbirdCore
import NIOCore

/// Reads bodies up to a limit. A value.
struct BodyReader: Sendable {
  let limit: Int

  /// The declared length of a body, nil when it is sent in chunks.
  ///
  /// - Throws: 413 before a byte of the body is read when it is beyond the limit.
  func declaredLength(of head: HTTPRequest) throws(GatewayError) -> Int? {
    guard let field = head.headerFields[.contentLength] else {
      return head.headerFields[.transferEncoding] == nil ? 0 : nil
    }
    guard let length = Int(field) else { throw GatewayError(.malformed) }
    guard length <= limit else { throw .bodyTooLarge(limit: limit) }
    return length
  }

  /// The whole body.
  func collect(_ parts: RequestBody, of head: HTTPRequest) async throws -> ByteBuffer {
    let length = try declaredLength(of: head)
    guard length != 0 else { return ByteBuffer() }
    var body: ByteBuffer?
    for try await part in parts {
      let total = (body?.readableBytes ?? 0) + part.readableBytes
      guard total <= limit else { throw GatewayError.bodyTooLarge(limit: limit) }
      if body == nil { body = part } else { body?.writeImmutableBuffer(part) }
    }
    let collected = body ?? ByteBuffer()
    // A connection that ends in the middle of a body looks like the end of the body.
    if let length, collected.readableBytes < length { throw GatewayError(.malformed) }
    return collected
  }
}
