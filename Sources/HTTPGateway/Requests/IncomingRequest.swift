import HTTPTypes
import HummingbirdCore
import NIOCore
import SharedSessions

/// One request as a route's handler sees it, its target taken apart and, unless the route streams it, its body read.
/// A value.
struct IncomingRequest: Sendable {
  /// The method, target and headers.
  let head: HTTPRequest
  /// The target without its query.
  let path: Substring
  /// The target's query.
  let query: QueryParameters
  /// The path's `{name}` segments, in order, still percent-encoded.
  let parameters: [Substring]
  /// The body; empty for a route that streams it.
  var body: ByteBuffer
  /// The body of a route that streams it.
  let bodyParts: RequestBody
  /// The connection.
  let channel: any Channel
  /// How deep JSON may be nested.
  let maximumJSONDepth: Int
  /// How many characters an `Idempotency-Key` has here.
  let keyCharacters: ClosedRange<Int>

  var contentType: String? { head.headerFields[.contentType] }

  /// The same request with the body of a streaming route read after all.
  ///
  /// - Throws: 413 `BODY_TOO_LARGE`.
  func collected(limit: Int) async throws -> IncomingRequest {
    var request = self
    request.body = try await BodyReader(limit: limit).collect(bodyParts, of: head)
    return request
  }

  /// The body's fields.
  func fields() throws(GatewayError) -> RequestFields {
    try RequestFields(body: body, contentType: contentType, maximumDepth: maximumJSONDepth)
  }

  /// The token behind `Authorization: Bearer`.
  var bearer: Substring? {
    guard let header = head.headerFields[.authorization] else { return nil }
    guard header.utf8.count > 7, header.prefix(7).lowercased() == "bearer " else { return nil }
    let token = header.dropFirst(7).trimmingBlanks()
    return token.isEmpty ? nil : token
  }

  /// The `Idempotency-Key`, or nil when there is none.
  func idempotencyKey() throws(GatewayError) -> String? {
    guard let key = head.headerFields[.idempotencyKey] else { return nil }
    let isAllowed: (UInt8) -> Bool = {
      switch $0 {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    guard keyCharacters.contains(key.utf8.count), key.utf8.allSatisfy(isAllowed) else {
      let why =
        keyCharacters.lowerBound > 1 ? "; whoever guesses it gets this answer's tokens, so make it of random bytes" : ""
      throw GatewayError(
        .invalidField,
        "'Idempotency-Key' must be \(keyCharacters.lowerBound) to \(keyCharacters.upperBound) characters of A-Z, a-z, 0-9, '_' and '-'\(why)."
      )
    }
    return key
  }
}

extension HTTPField.Name {
  static let idempotencyKey = known("Idempotency-Key")
  static let apiKey = known("X-API-Key")
  static let lastEventID = known("Last-Event-ID")
  static let forwardedFor = known("X-Forwarded-For")
  static let forwarded = known("Forwarded")
  static let realIP = known("X-Real-IP")
  static let fetchSite = known("Sec-Fetch-Site")
  static let sessions = known("Tandem-Sessions")
  static let requestID = known("X-Request-Id")
  static let accelBuffering = known("X-Accel-Buffering")
  static let contentTypeOptions = known("X-Content-Type-Options")
  static let referrerPolicy = known("Referrer-Policy")

  private static func known(_ name: String) -> HTTPField.Name {
    guard let name = HTTPField.Name(name) else { preconditionFailure("'\(name)' is not a header name") }
    return name
  }
}
