import JSONText
import NIOCore
import NIOHTTP1

@testable import AgentBridge

/// What the fake node knows of permission requests.
extension FakeNode {
  /// One permission request.
  struct Permission: Sendable {
    let id: String
    let key: String
    let body: JSONText
    var status = "pending"
    var optionID: String?
    var reason: String?
    var resolver: String?

    fileprivate var fields: String {
      #""status":"\#(status)""# + (optionID.map { #","optionId":"\#($0)""# } ?? "")
        + (reason.map { #","reason":"\#($0)""# } ?? "")
    }
    private var name: String { resolver.map { #","resolvedByName":"\#($0)""# } ?? "" }
    fileprivate var reply: String { #"{"approval":{"id":"\#(id)",\#(fields)}\#(name)}"# }
    fileprivate var notice: String { #"{"approvalId":"\#(id)","dispatchId":"1",\#(fields)\#(name)}"# }
  }

  /// Somebody answers in the session.
  ///
  /// - Parameter tells: whether the bridge hears of it.
  /// - Returns: whether this answer was the first.
  @discardableResult
  func answer(_ id: String, _ optionID: String, by name: String = "Eve", tells: Bool = true) -> Bool {
    change { state in
      Self.resolve(id, &state, tells: tells) {
        $0.status = "approved"
        $0.optionID = optionID
        $0.resolver = name
      }
    }
  }

  /// The node withdraws a request, as with its session.
  func withdraw(_ id: String, reason: String) {
    change { state in
      _ = Self.resolve(id, &state, tells: true) {
        $0.status = "withdrawn"
        $0.reason = reason
      }
    }
  }

  private static func resolve(
    _ id: String, _ state: inout State, tells: Bool, _ change: (inout Permission) -> Void
  ) -> Bool {
    guard let index = state.permissions.firstIndex(where: { $0.id == id && $0.status == "pending" }) else {
      return false
    }
    change(&state.permissions[index])
    guard tells else { return true }
    for stream in state.streams.values where stream.kind == .dispatches {
      stream.output.yield(frame("permission", state.permissions[index].notice))
    }
    return true
  }

  /// `parts` is the path behind `/api`.
  static func permission(
    _ head: HTTPRequestHead, _ parts: [String], _ body: JSONText, _ state: inout State
  ) -> Answer {
    let conflict = Answer.json(409, #"{"error":"it is resolved","code":"APPROVAL_ALREADY_RESOLVED"}"#)
    if head.method == .POST, parts.count == 3 {
      let key = head.headers.first(name: "idempotency-key") ?? ""
      if let known = state.permissions.first(where: { $0.key == key }) { return .json(201, known.reply) }
      guard state.dispatchStates[body["dispatchId"]?.string ?? ""] == "started" else {
        return .json(409, #"{"error":"it does not run","code":"DISPATCH_CONFLICT"}"#)
      }
      let permission = Permission(id: "p\(state.permissions.count + 1)", key: key, body: body)
      state.permissions.append(permission)
      return .json(201, permission.reply)
    }
    if head.method == .POST, parts.count == 4, body["promptHash"] != nil {
      state.decisions.append(body)
      return .json(200, "{}")
    }
    guard parts.count == 4, let known = state.permissions.first(where: { $0.id == parts[3] }) else {
      return .json(404, #"{"error":"unknown","code":"APPROVAL_NOT_FOUND"}"#)
    }
    switch head.method {
    case .GET: return .json(200, known.reply)
    case .DELETE:
      let isFirst = resolve(known.id, &state, tells: false) {
        $0.status = "withdrawn"
        $0.reason = "agent_withdrew"
      }
      return isFirst ? .json(200, known.reply) : conflict
    default:
      guard head.headers.first(name: "authorization") == "Bearer hp.at", let option = body["optionId"]?.string else {
        return .json(403, #"{"error":"no","code":"HOST_REQUIRED"}"#)
      }
      let key = "answer " + (head.headers.first(name: "idempotency-key") ?? "")
      guard !state.seenKeys.contains(key) else { return .json(200, "{}") }
      let isFirst = resolve(known.id, &state, tells: true) {
        $0.status = "approved"
        $0.optionID = option
        $0.resolver = "Host"
      }
      guard isFirst else { return conflict }
      state.seenKeys.insert(key)
      return .json(200, "{}")
    }
  }
}
