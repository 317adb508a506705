import HTTPTypes
import SharedSessions

/// Who may call what.
public enum AccessPolicy: String, Sendable, CaseIterable {
  /// Reads need no credentials and anybody may create: for a listener on the loopback interface.
  case open
  /// List, create and host-session registration need an API key; reads need one, or an active participant.
  case keyed
}

/// A value: the access policy with the keys it needs.
struct AccessControl: Sendable {
  let policy: AccessPolicy
  let keys: APIKeys

  /// Checks the API key of a call that needs one under `keyed` access.
  ///
  /// - Throws: 401 `API_KEY_REQUIRED`, 403 `INVALID_API_KEY`.
  func requireKey(_ request: IncomingRequest) throws(GatewayError) {
    guard policy == .keyed else { return }
    guard try holdsKey(request) else { throw GatewayError(.apiKeyRequired) }
  }

  /// How a read of one session is checked: by the store, unless this caller may read everything.
  ///
  /// - Throws: 403 `INVALID_API_KEY`, 401 `API_KEY_REQUIRED` without any credentials.
  func reader(_ request: IncomingRequest) throws(GatewayError) -> Reader {
    guard policy == .keyed else {
      if let key = request.head.headerFields[.apiKey], keys.name(of: key) != nil { return .trusted }
      return .anybody((try? request.fields()).flatMap { try? request.credentials($0) })
    }
    if try holdsKey(request) { return .trusted }
    guard let credentials = try request.credentials(request.fields()) else {
      throw GatewayError(.apiKeyRequired, "This call needs an API key in 'X-API-Key', or a participant's credentials.")
    }
    return .participant(credentials)
  }

  private func holdsKey(_ request: IncomingRequest) throws(GatewayError) -> Bool {
    guard let key = request.head.headerFields[.apiKey] else { return false }
    guard keys.name(of: key) != nil else { throw GatewayError(.invalidAPIKey) }
    return true
  }
}
