import HTTPTypes

/// A value: one row of the contract, a method and a path, and what answers it.
struct Route: Sendable {
  /// What answers a request. It throws errors of any kind; `GatewayError` renders them.
  typealias Handler = @Sendable (IncomingRequest) async throws -> Reply

  /// How a request's body is read.
  enum Body: Sendable {
    /// Whole, up to the body limit, before the handler runs.
    case collected
    /// By the handler, piece by piece.
    case streamed
  }

  /// The method; a GET also answers HEAD unless it is an endless stream.
  let method: HTTPRequest.Method
  /// The path; `{name}` stands for one segment.
  let path: String
  let body: Body
  /// Whether the response has no end of its own.
  let isStream: Bool
  let handler: Handler

  init(
    _ method: HTTPRequest.Method, _ path: String, body: Body = .collected, isStream: Bool = false,
    handler: @escaping Handler
  ) {
    self.method = method
    self.path = path
    self.body = body
    self.isStream = isStream
    self.handler = handler
  }

  /// The path's segments.
  var segments: [Substring] { path.split(separator: "/") }

  /// The same route with something around its handler.
  func handled(
    by around: @escaping @Sendable (IncomingRequest, Handler) async throws -> Reply
  ) -> Route {
    let handler = handler
    return Route(method, path, body: body, isStream: isStream) { try await around($0, handler) }
  }
}
