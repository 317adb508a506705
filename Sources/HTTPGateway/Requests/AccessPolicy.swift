import HTTPTypes
import SharedSessions

/// Who may call what.
public enum AccessPolicy: String, Sendable, CaseIterable {
  /// Reads need no credentials and anybody may create: for a listener on the loopback interface.
  case open
  /// List, create and host-session registration need an API key; reads need one, or an active participant.
  case keyed
}

/// Who may read `/metrics`, whatever the access policy.
public enum MetricsAccess: String, Sendable, CaseIterable {
  /// Whoever asks from this machine, and holders of an API key that may read.
  case loopback
  /// Holders of an API key that may read.
  case keyed
  /// Everybody.
  case open
}

/// The access policy with the keys it needs. Credentials that are wrong are refused also where none are needed. A
/// value.
struct AccessControl: Sendable {
  let policy: AccessPolicy
  let keys: APIKeys
  let metrics: MetricsAccess

  /// How a read of one host session is checked.
  enum HostReader: Equatable {
    /// By nothing more: the key may read everything, or everybody may.
    case allowed
    /// By this host token.
    case token(String)
  }

  /// Checks the API key of a call that needs one under `keyed` access.
  ///
  /// - Throws: 401 `API_KEY_REQUIRED`, 403 `INVALID_API_KEY`.
  func requireKey(_ scope: APIKeyScope, _ request: IncomingRequest) throws(GatewayError) {
    let key = try presentedKey(request)
    guard policy == .keyed else { return }
    try require(key, scope)
  }

  /// How a read of one session is checked: by the store, unless this caller may read everything.
  ///
  /// - Throws: 400 `MISSING_CREDENTIALS` for credentials that cannot be read, 403 `INVALID_API_KEY`,
  ///   401 `API_KEY_REQUIRED` without any credentials.
  func reader(_ request: IncomingRequest) throws(GatewayError) -> Reader {
    let fields = try request.fields()
    let key = try presentedKey(request)
    if key?.allows(.read) ?? false { return .trusted }
    let credentials = try request.credentials(fields)
    guard policy == .keyed else { return .anybody(credentials) }
    if let credentials { return .participant(credentials) }
    try require(key, .read, "This call needs an API key in 'X-API-Key', or a participant's credentials.")
    return .trusted
  }

  /// How a read of one host session is checked.
  ///
  /// - Throws: 400 `MISSING_CREDENTIALS`, 403 `INVALID_API_KEY`, 401 `API_KEY_REQUIRED` without any credentials.
  func hostReader(_ request: IncomingRequest) throws(GatewayError) -> HostReader {
    let key = try presentedKey(request)
    if let token = try request.hostToken() { return .token(token) }
    if policy == .keyed {
      try require(key, .read, "This call needs an API key in 'X-API-Key', or the host session's token.")
    }
    return .allowed
  }

  /// Checks who reads the metrics.
  ///
  /// - Parameter isLocal: whether the request was made on this machine, under a name of this machine.
  /// - Throws: 401 `API_KEY_REQUIRED`, 403 `INVALID_API_KEY`.
  func requireMetrics(_ request: IncomingRequest, isLocal: Bool) throws(GatewayError) {
    let key = try presentedKey(request)
    guard metrics == .keyed || (metrics == .loopback && !isLocal) else { return }
    try require(key, .read, "Metrics are read from the node's own machine, or with an API key in 'X-API-Key'.")
  }

  /// The key the request was sent with; one that is not known here is refused, whatever it was sent for.
  private func presentedKey(_ request: IncomingRequest) throws(GatewayError) -> APIKeys.Entry? {
    guard let text = request.head.headerFields[.apiKey] else { return nil }
    guard let key = keys.entry(of: text) else { throw GatewayError(.invalidAPIKey) }
    return key
  }

  private func require(
    _ key: APIKeys.Entry?, _ scope: APIKeyScope, _ missing: String? = nil
  ) throws(GatewayError) {
    guard let key else { throw GatewayError(.apiKeyRequired, missing) }
    guard key.allows(scope) else {
      throw GatewayError(
        .invalidAPIKey, "That API key does not have the scope '\(scope.rawValue)', which this call needs.")
    }
  }
}
