import JSONText
import NIOCore
import NIOHTTP1

/// The calls of a host, as the contract has them; an immutable value on top of a `NodeClient`.
struct HostAPI: Sendable {
  let client: NodeClient

  /// A registered host session.
  struct HostSession: Sendable, Hashable {
    let id: String
    let token: String

    var path: String { "/api/host-sessions/\(id)" }
  }

  /// How a report on a dispatch was taken.
  enum ReportAnswer: Sendable, Hashable {
    case accepted
    /// Another attempt has taken over, or the dispatch has ended.
    case conflict
    /// It can't be reported at all.
    case refused(String)
  }

  /// Registers a host session.
  func register(
    userID: String, workspaceID: String?, agent: AgentReport?, sharing: String, key: String
  ) -> NodeClient.Call {
    let body = JSONText { body in
      body.add("userId", userID)
      body.add("workspaceId", workspaceID)
      body.add("agent", agent?.text)
      body.add("sharing", sharing)
    }
    return NodeClient.Call(method: .POST, path: "/api/host-sessions", body: body, idempotencyKey: key)
  }

  /// Creates a shared session of a host session.
  func share(
    _ host: HostSession, userID: String, displayName: String?, mode: String?, workspaceID: String?,
    expiresInMinutes: Int?, viewerUpdates: String?, key: String
  ) -> NodeClient.Call {
    let body = JSONText { body in
      body.add("hostSessionId", host.id)
      body.add("hostUserId", userID)
      body.add("hostDisplayName", displayName)
      body.add("mode", mode)
      body.add("workspaceId", workspaceID)
      body.add("expiresInMinutes", expiresInMinutes)
      body.add("viewerUpdates", viewerUpdates)
    }
    return NodeClient.Call(
      method: .POST, path: "/api/shared-sessions", body: body, token: host.token, idempotencyKey: key)
  }

  /// Reports what became of a dispatch, until it is answered. Reporting twice is safe.
  ///
  /// - Throws: `NodeError.stopped`.
  func report(
    _ state: String, _ dispatch: Dispatch, of host: HostSession, error: String? = nil, stopReason: String? = nil
  ) async throws(NodeError) -> ReportAnswer {
    let body = JSONText { body in
      body.add("state", state)
      body.add("attempt", dispatch.attempt)
      body.add("error", error)
      body.add("stopReason", stopReason)
    }
    do {
      _ = try await client.insist(
        on: .init(
          method: .POST, path: "\(host.path)/dispatches/\(dispatch.id)", body: body, token: host.token,
          idempotencyKey: IdempotencyKey.make()))
      return .accepted
    } catch {
      switch error {
      case .refused(409, _, _): return .conflict
      case .refused: return .refused(error.description)
      case .unreachable, .stopped: throw error
      }
    }
  }

  /// An attachment of a dispatch, as the agent takes it.
  func block(_ number: Int, of dispatch: Dispatch, _ host: HostSession) -> NodeClient.Call {
    NodeClient.Call(method: .GET, path: "\(host.path)/dispatches/\(dispatch.id)/content/\(number)", token: host.token)
  }

  /// Passes on notifications of the agent.
  func publish(
    _ notifications: [JSONText], of host: HostSession, areReplayed: Bool = false, key: String
  ) -> NodeClient.Call {
    let path = "\(host.path)/notifications" + (areReplayed ? "?replayed=true" : "")
    // What a JSON body may not hold fits on a line of its own.
    if notifications.count == 1, notifications[0].bytes.readableBytes > NotificationQueue.Limits().batchBytes {
      return NodeClient.Call(
        method: .POST, path: path, body: notifications[0], isLines: true, token: host.token,
        idempotencyKey: key)
    }
    let body = JSONText { $0.add("notifications", JSONText(array: notifications)) }
    return NodeClient.Call(
      method: .POST, path: path, body: body, token: host.token, idempotencyKey: key)
  }

  /// Decides on a prompt that waits; refused when its text isn't the one of this digest.
  func resolve(
    _ approvalID: String, approve: Bool, promptHash: String, of share: SharedSession, key: String
  ) -> NodeClient.Call {
    let body = JSONText {
      $0.add("action", approve ? "approve" : "reject")
      $0.add("promptHash", promptHash)
    }
    return NodeClient.Call(
      method: .POST, path: "\(share.path)/approvals/\(approvalID)", body: body, token: share.credentials,
      idempotencyKey: key)
  }

  /// What an agent can ask its people; the word of the route.
  enum Asking: String {
    /// Whether it may do something, in the session whose prompt runs.
    case permissions
    /// What it wants to know.
    case questions
  }

  /// Asks people for the agent.
  func ask(_ what: Asking, _ body: JSONText, of host: HostSession, key: String) -> NodeClient.Call {
    NodeClient.Call(
      method: .POST, path: "\(host.path)/\(what.rawValue)", body: body, token: host.token, idempotencyKey: key)
  }

  /// What has become of something that was asked.
  func look(_ what: Asking, _ approvalID: String, of host: HostSession) -> NodeClient.Call {
    NodeClient.Call(method: .GET, path: "\(host.path)/\(what.rawValue)/\(approvalID)", token: host.token)
  }

  /// Takes something back that was asked.
  func withdraw(_ what: Asking, _ approvalID: String, of host: HostSession) -> NodeClient.Call {
    NodeClient.Call(method: .DELETE, path: "\(host.path)/\(what.rawValue)/\(approvalID)", token: host.token)
  }

  /// Answers a question, or declines to, as the host.
  func reply(
    _ approvalID: String, approve: Bool, answer: JSONText?, of share: SharedSession, key: String
  ) -> NodeClient.Call {
    let body = JSONText {
      $0.add("action", approve ? "approve" : "reject")
      $0.add("answer", answer)
    }
    return NodeClient.Call(
      method: .POST, path: "\(share.path)/approvals/\(approvalID)", body: body, token: share.credentials,
      idempotencyKey: key)
  }

  /// Answers a permission request as the host.
  func answer(_ approvalID: String, optionID: String, of share: SharedSession, key: String) -> NodeClient.Call {
    let body = JSONText { $0.add("optionId", optionID) }
    return NodeClient.Call(
      method: .POST, path: "\(share.path)/approvals/\(approvalID)", body: body, token: share.credentials,
      idempotencyKey: key)
  }

  /// Joins a shared session as a viewer.
  func joinAsViewer(_ share: SharedSession, userID: String, displayName: String, key: String) -> NodeClient.Call {
    let body = JSONText {
      $0.add("inviteToken", share.inviteToken)
      $0.add("userId", userID)
      $0.add("displayName", displayName)
      $0.add("role", "viewer")
    }
    return NodeClient.Call(method: .POST, path: "\(share.path)/join", body: body, idempotencyKey: key)
  }

  /// A shared session as it is.
  func read(_ share: SharedSession) -> NodeClient.Call {
    NodeClient.Call(method: .GET, path: share.path, token: share.credentials)
  }

  /// Closes a shared session.
  func close(_ share: SharedSession) -> NodeClient.Call {
    NodeClient.Call(method: .DELETE, path: share.path, token: share.credentials)
  }

  /// Ends a host session.
  func delete(_ host: HostSession) -> NodeClient.Call {
    NodeClient.Call(method: .DELETE, path: host.path, token: host.token)
  }
}
