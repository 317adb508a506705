import HTTPTypes
import HummingbirdCore
import NIOCore

/// What a handler answers. A value.
enum Reply: Sendable {
  /// A head and all of its body.
  case complete(HTTPResponse, ByteBuffer)
  /// A head whose body is written as it comes into being.
  case stream(HTTPResponse, StreamedBody)

  /// A JSON body that exists already, passed on byte for byte.
  ///
  /// Replies hold tokens and what changes from one moment to the next, so nobody keeps them.
  static func json(_ body: ByteBuffer, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Reply {
    var headers = headers
    if headers[.cacheControl] == nil { headers[.cacheControl] = "no-store" }
    return .bytes(body, type: "application/json", status: status, headers: headers)
  }

  /// A body of any type.
  static func bytes(
    _ body: ByteBuffer, type: String, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
  ) -> Reply {
    var response = HTTPResponse(status: status, headerFields: headers)
    response.headerFields[.contentType] = type
    response.headerFields[.contentLength] = String(body.readableBytes)
    return .complete(response, body)
  }

  /// No body.
  static func empty(_ status: HTTPResponse.Status, headers: HTTPFields = [:]) -> Reply {
    .complete(HTTPResponse(status: status, headerFields: headers), ByteBuffer())
  }

  /// An error.
  static func failure(_ error: GatewayError) -> Reply {
    .json(error.body, status: .init(code: error.status), headers: error.headers)
  }

  /// The status, for metrics.
  var status: Int {
    switch self {
    case .complete(let head, _), .stream(let head, _): head.status.code
    }
  }
}

/// A body that is written as it comes into being. A value.
struct StreamedBody: Sendable {
  /// Called once when the response is over, also when it never began because its connection was gone.
  var onEnd: @Sendable () -> Void = {}
  /// Writes the body and finishes the writer; throwing closes the connection.
  var write: @concurrent @Sendable (inout any ResponseBodyWriter) async throws -> Void
}
