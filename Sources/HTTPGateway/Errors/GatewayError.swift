import EventStreaming
import HTTPTypes
import JSONText
import NIOCore
import NIOHTTP1
import Observability
import SharedSessions

/// An error as the client sees it. Every error of every layer ends as one of these. A value.
struct GatewayError: Error, Equatable {
  /// The HTTP status.
  var status: Int
  /// The stable code a program goes by.
  var code: String
  /// The sentence a person reads.
  var message: String
  /// Headers beyond the content's own, such as `Allow` and `Retry-After`.
  var headers: HTTPFields = [:]

  init(status: Int, code: String, message: String, headers: HTTPFields = [:]) {
    self.status = status
    self.code = code
    self.message = message
    self.headers = headers
  }

  /// An error of the domain's vocabulary, with a more exact sentence than the code's own.
  init(_ code: ErrorCode, _ message: String? = nil) {
    self.init(SharedSessionError(code, message))
  }

  /// What a store refused or failed at.
  init(_ error: SharedSessionError) {
    self.init(status: error.code.status, code: error.code.rawValue, message: error.message)
    let retryAfter = error.retryAfter ?? (error.code.status == 503 ? 1 : nil)
    if let retryAfter { headers[.retryAfter] = String(retryAfter) }
  }

  /// What never became a complete request.
  init(_ failure: RequestFailure) {
    switch failure {
    case .malformed:
      self.init(status: 400, code: "MALFORMED_REQUEST", message: "That is not a well-formed HTTP/1 request.")
    case .headersTooLarge:
      self.init(
        status: 431, code: "HEADERS_TOO_LARGE", message: "The request's headers are larger than this server takes.")
    case .uriTooLong:
      self.init(status: 414, code: "URI_TOO_LONG", message: "The request's URI is longer than this server takes.")
    case .headTimeout:
      self.init(status: 408, code: "REQUEST_TIMEOUT", message: "The request's headers did not arrive in time.")
    case .bodyTimeout:
      self.init(status: 408, code: "REQUEST_TIMEOUT", message: "The request's body did not arrive in time.")
    case .lineTimeout:
      self.init(status: 408, code: "REQUEST_TIMEOUT", message: "A line of the request's body did not arrive in time.")
    }
  }

  /// What the node's streams refused.
  init(_ refusal: StreamRefusal) {
    switch refusal {
    case .participantLimit(let limit):
      self.init(
        SharedSessionError(.streamLimit, "You have \(limit) streams open, and may have no more.", retryAfter: 5))
    case .nodeLimit(let limit):
      self.init(
        SharedSessionError(.unavailable, "This node has \(limit) streams open, and takes no more.", retryAfter: 1))
    case .draining: self = .draining
    }
  }

  /// Any error at all. What is not meant for clients becomes a plain 500 that says nothing about the inside.
  init(rendering error: any Error) {
    switch error {
    case let error as GatewayError: self = error
    case let error as SharedSessionError: self.init(error)
    case let error as RequestFailure: self.init(error)
    case let error as StreamRefusal: self.init(error)
    case is HTTPParserError: self.init(RequestFailure.malformed)
    // The client has gone before its request was whole; that is no failure of this server, and nobody reads the answer.
    case is ChannelError, is IOError: self.init(RequestFailure.malformed)
    case is CancellationError: self = .draining
    default: self.init(.internalError)
    }
    // The client learns nothing but where to look.
    if code == ErrorCode.internalError.rawValue {
      message = "Internal error (request \(RequestID.current ?? "unknown"))."
    }
  }

  /// `{"error", "code"}`.
  var body: ByteBuffer {
    JSONText { object in
      object.add("error", message)
      object.add("code", code)
    }.bytes
  }
}

extension GatewayError {
  static let routeNotFound = GatewayError(status: 404, code: "NOT_FOUND", message: "There is nothing at this path.")

  static func methodNotAllowed(_ method: HTTPRequest.Method, allowed: String) -> GatewayError {
    GatewayError(
      status: 405, code: "METHOD_NOT_ALLOWED",
      message: "This path does not take \(method.rawValue); it takes \(allowed).",
      headers: [.allow: allowed])
  }

  static let hostNotAllowed = GatewayError(
    status: 421, code: "HOST_NOT_ALLOWED",
    message: "This node does not answer to that host name; its configuration may name it in 'hosts'.")

  static let originNotAllowed = GatewayError(
    status: 403, code: "ORIGIN_NOT_ALLOWED",
    message: "Pages of that origin may not do this here; the node's configuration may name it in 'cors.origins'.")

  static func bodyTooLarge(limit: Int) -> GatewayError {
    GatewayError(
      status: 413, code: "BODY_TOO_LARGE", message: "The body is larger than the \(limit) bytes this server takes.")
  }

  static let unsupportedMediaType = GatewayError(
    status: 415, code: "UNSUPPORTED_MEDIA_TYPE", message: "The body must be sent as application/json.")

  static let draining = GatewayError(
    status: 503, code: "UNAVAILABLE", message: "This node is shutting down; try again, another one answers.",
    headers: [.retryAfter: "1"])
}
