import EventStreaming
import HTTPTypes
import SharedSessions

/// A value: what the handlers of all routes have in common. The rows of the contract are in its extensions, one file for
/// each part of the domain.
struct RouteSet: Sendable {
  let domain: SharedSessionsDomain
  let streams: EventStreams
  let access: AccessControl
  let rules: FieldRules
  let configuration: GatewayConfiguration
  let operations: Operations
  let drain: DrainSignal

  /// Every route of the node.
  var all: [Route] {
    sessionRoutes + participantRoutes + conversationRoutes + streamRoutes + hostSessionRoutes + operationRoutes
      + webRoutes
  }

  /// One of the path's ids.
  ///
  /// - Throws: 400 `INVALID_FIELD` naming it.
  func pathID(_ request: IncomingRequest, _ index: Int, _ name: String) throws -> String {
    guard let text = PercentEncoding.decode(request.parameters[index]) else {
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
