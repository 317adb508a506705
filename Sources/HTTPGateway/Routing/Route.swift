import HTTPTypes

/// One row of the contract, a method and a path, and what answers it. A value.
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
  /// Whether the answer holds tokens, so that whoever knows its `Idempotency-Key` gets them.
  let answersTokens: Bool
  /// Whether it is answered under whatever name the node was called by, since it reveals nothing.
  let answersAnyHost: Bool
  let handler: Handler

  init(
    _ method: HTTPRequest.Method, _ path: String, body: Body = .collected, isStream: Bool = false,
    answersTokens: Bool = false, answersAnyHost: Bool = false, handler: @escaping Handler
  ) {
    self.method = method
    self.path = path
    self.body = body
    self.isStream = isStream
    self.answersTokens = answersTokens
    self.answersAnyHost = answersAnyHost
    self.handler = handler
  }

  /// How many characters an `Idempotency-Key` has: where tokens are answered those of 16 random bytes at least.
  var keyCharacters: ClosedRange<Int> { answersTokens ? 22...64 : 1...64 }

  /// The path's segments.
  var segments: [Substring] { path.split(separator: "/") }

  /// The same route with something around its handler.
  func handled(
    by around: @escaping @Sendable (IncomingRequest, Handler) async throws -> Reply
  ) -> Route {
    let handler = handler
    return Route(
      method, path, body: body, isStream: isStream, answersTokens: answersTokens, answersAnyHost: answersAnyHost
    ) { try await around($0, handler) }
  }
}
