import Basics
import EventStreaming
import HTTPTypes
import Logging
import NIOCore
import SharedSessions

/// What the handlers of all routes have in common. The rows of the contract are in its extensions, one file for each
/// part of the domain. A value.
struct RouteSet: Sendable {
  let domain: SharedSessionsDomain
  let streams: EventStreams
  let access: AccessControl
  let rules: FieldRules
  let configuration: GatewayConfiguration
  let operations: Operations
  let readiness: SharedProbe
  let uploads: UploadBudget
  let drain: Latch
  let logger: Logger

  /// Every route of the node.
  var all: [Route] {
    let limited =
      sessionRoutes + participantRoutes + inviteRoutes + conversationRoutes + hostSessionRoutes + permissionRoutes
      + questionRoutes + contentRoutes
    // Streams take their rate themselves, whenever they ask Redis.
    return limited.map { route in
      route.handled { request, handler in
        try await takeRate(ofAddress: clientAddress(of: request))
        return try await handler(request)
      }
    } + streamRoutes + operationRoutes + webRoutes
  }

  /// One of the path's ids.
  ///
  /// - Throws: 400 `INVALID_FIELD` naming it.
  func pathID(_ request: IncomingRequest, _ index: Int, _ name: String) throws -> String {
    guard let text = try? PercentEncoding.decode(request.parameters[index]) else {
      throw GatewayError(.invalidField, "'\(name)' holds a broken percent escape or bytes that are not UTF-8.")
    }
    return try rules.identifier(text, name)
  }

  /// The shared session of a path.
  func sessionID(_ request: IncomingRequest) throws -> String {
    try pathID(request, 0, "sharedSessionId")
  }

  /// The host session of a path.
  func hostSessionID(_ request: IncomingRequest) throws -> String {
    try pathID(request, 0, "hostSessionId")
  }

  /// A participant's credentials, which have to be there, taken against the participant's rate.
  ///
  /// The rate is bound to the token as well, so that nobody can use up somebody else's.
  ///
  /// - Throws: 400 `MISSING_CREDENTIALS`, 429 `RATE_LIMITED`.
  func caller(_ request: IncomingRequest, _ fields: RequestFields) async throws -> ParticipantCredentials {
    let credentials = try request.requiredCredentials(fields)
    try await takeRate(of: credentials)
    return credentials
  }

  /// Takes one request against a participant's rate.
  func takeRate(of credentials: ParticipantCredentials) async throws {
    guard let rate = configuration.participantRate else { return }
    try await domain.rates.take(
      "participant", caller: "\(credentials.participantID).\(credentials.token)", rate: rate)
  }

  /// The address that a request counts for; nil when none is counted, or on a Unix socket.
  func clientAddress(of request: IncomingRequest) -> String? {
    guard configuration.addressRate != nil else { return nil }
    return TrustedProxies(ranges: configuration.trustedProxies).client(
      peer: request.channel.remoteAddress?.ipAddress, forwardedFor: request.head.headerFields[.forwardedFor])
  }

  /// Takes one request against the rate of its client's address.
  func takeRate(ofAddress address: String?) async throws {
    guard let rate = configuration.addressRate, let address else { return }
    try await domain.rates.take("address", caller: address, rate: rate)
  }

  /// What makes a POST repeatable, if the client asks for it.
  func idempotency(_ request: IncomingRequest, caller: String) throws -> IdempotencyRequest? {
    guard let key = try request.idempotencyKey() else { return nil }
    return IdempotencyRequest(
      key: key, route: "\(request.head.method.rawValue) \(request.path)", caller: caller, body: request.body)
  }

  /// The same for a participant's call.
  func idempotency(_ request: IncomingRequest, _ caller: ParticipantCredentials) throws -> IdempotencyRequest? {
    try idempotency(request, caller: "\(caller.participantID).\(caller.token)")
  }
}
