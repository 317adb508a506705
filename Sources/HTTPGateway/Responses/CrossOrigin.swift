import HTTPTypes

/// What browsers are told of answers to other sites' pages; functions without state.
///
/// Credentials are headers that a page sets itself, never cookies, so `Access-Control-Allow-Credentials` is never sent.
extension Reply {
  /// How long a browser may remember a preflight's answer, in seconds.
  private static let preflightAge = "600"

  /// The answer to a preflight from an origin that may call.
  static func preflight(for origin: String) -> Reply {
    .empty(
      .noContent,
      headers: [
        .accessControlAllowOrigin: origin,
        .accessControlAllowMethods: "GET, HEAD, POST, PATCH, DELETE",
        .accessControlAllowHeaders:
          "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-API-Key, X-Request-Id, Tandem-Sessions",
        .accessControlMaxAge: preflightAge,
      ])
  }

  /// The same answer, readable for pages of an origin.
  func readable(for origin: String) -> Reply {
    withHeaders { headers in
      headers[.accessControlAllowOrigin] = origin
      headers[.accessControlExposeHeaders] = "Allow, Retry-After, X-Request-Id"
    }
  }

  /// The same answer, not kept by caches for another origin.
  func varyingByOrigin() -> Reply { withHeaders { $0[.vary] = "Origin" } }

  /// The same answer with one more header.
  func withHeader(_ name: HTTPField.Name, _ value: String) -> Reply { withHeaders { $0[name] = value } }

  private func withHeaders(_ change: (inout HTTPFields) -> Void) -> Reply {
    switch self {
    case .complete(var head, let body):
      change(&head.headerFields)
      return .complete(head, body)
    case .stream(var head, let body):
      change(&head.headerFields)
      return .stream(head, body)
    }
  }
}
