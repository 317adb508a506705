import Foundation
import TestSupport

/// A shared session with its host, as most tests need one. A value.
struct Scenario: Sendable {
  let gateway: GatewayFixture
  let hostSessionID: String
  let hostToken: String
  let sessionID: String
  let invite: String
  let host: Caller

  /// Somebody in a session. A value.
  struct Caller: Sendable {
    let id: String
    let token: String

    var header: [String: String] { ["Authorization": "Bearer \(id).\(token)"] }
  }

  var hostHeader: [String: String] { ["Authorization": "Bearer \(hostToken)"] }
  var path: String { "/api/shared-sessions/\(sessionID)" }

  /// Registers a host session and shares it.
  init(_ gateway: GatewayFixture, fields: String = "") async throws {
    let registered = try await gateway.call("POST", "/api/host-sessions", #"{"userId":"owner"}"#)
    hostSessionID = try registered.text("hostSession", "id")
    hostToken = try registered.text("hostToken")
    let created = try await gateway.call(
      "POST", "/api/shared-sessions", #"{"hostSessionId":"\#(hostSessionID)","hostUserId":"host"\#(fields)}"#)
    guard created.status == 201 else { throw UnexpectedReply("\(created)") }
    self.gateway = gateway
    sessionID = try created.text("session", "id")
    invite = try created.text("inviteToken")
    host = Caller(
      id: try created.text("hostParticipant", "id"), token: try created.text("hostParticipant", "accessToken"))
  }

  func join(_ userID: String = "guest") async throws -> Caller {
    let joined = try await gateway.call(
      "POST", path + "/join", #"{"inviteToken":"\#(invite)","userId":"\#(userID)"}"#)
    return Caller(id: try joined.text("participant", "id"), token: try joined.text("participant", "accessToken"))
  }

  func call(_ method: String, _ route: String, _ body: String? = nil, as caller: Caller? = nil) async throws
    -> HTTPReply
  {
    try await gateway.call(method, path + route, body, headers: (caller ?? host).header)
  }

  @discardableResult
  func comment(_ text: String, as caller: Caller? = nil) async throws -> HTTPReply {
    try await call("POST", "/messages", #"{"text":"\#(text)"}"#, as: caller)
  }

  /// Opens a stream and waits for its first frame.
  func stream(
    _ query: String = "", as caller: Caller? = nil, cursor: String? = nil, receiveBuffer: Int? = nil
  ) async throws -> RawConnection {
    let connection = try await RawConnection.open(port: gateway.port, receiveBuffer: receiveBuffer)
    var headers = (caller ?? host).header
    headers["Last-Event-ID"] = cursor
    try await connection.send(GatewayFixture.request("GET", path + "/stream" + query, headers: headers))
    try await connection.expect(#""type":"connected""#)
    return connection
  }
}
