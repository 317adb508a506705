import AgentClientProtocol
import JSONText

/// An approved prompt, or change of how the agent works, that a node hands to the bridge; an immutable value.
struct Dispatch: Sendable, Hashable {
  let id: String
  let approvalID: String
  let sharedSessionID: String
  /// What the agent is told; '' for a change of how it works.
  let prompt: String
  /// How the agent is to work; nil for a prompt.
  let control: AgentControl?
  /// The prompt's blocks, where it has more than a text: attachments by what is known of them.
  var content: [JSONText] = []
  /// Whether `prompt` takes the place of the texts in `content`.
  var isEdited = false
  /// The fence: reports carry it, and those of an older attempt are refused.
  let attempt: Int64

  init(
    id: String, approvalID: String, sharedSessionID: String, prompt: String = "", control: AgentControl? = nil,
    attempt: Int64
  ) {
    self.id = id
    self.approvalID = approvalID
    self.sharedSessionID = sharedSessionID
    self.prompt = prompt
    self.control = control
    self.attempt = attempt
  }
}

/// A message of the stream a bridge is attached to.
enum DispatchMessage: Sendable, Hashable {
  /// The first message of a connection: this bridge is the one that is attached.
  case attached(fence: Int64)
  /// A prompt to run.
  case dispatch(Dispatch)
  /// Somebody asks to stop a running prompt.
  case cancel(dispatchID: String)
  /// What has become of a permission request or a question.
  case permission(PermissionNotice)
  /// A message of a kind that isn't known here.
  case other

  /// Reads a message; nil when it isn't what the contract says.
  init?(_ message: JSONText) {
    guard let type = message["type"]?.string, let payload = message["payload"] else { return nil }
    switch type {
    case "attached":
      guard let fence = payload["fence"]?.integer else { return nil }
      self = .attached(fence: fence)
    case "dispatch":
      let control = payload["control"].map(AgentControl.init)
      guard let id = payload["dispatchId"]?.string, let approvalID = payload["approvalId"]?.string,
        let sharedSessionID = payload["sharedSessionId"]?.string, let attempt = payload["attempt"]?.integer,
        Self.isPlain(id), let prompt = control == nil ? payload["prompt"]?.string : "",
        control == nil || control != .some(nil)
      else { return nil }
      var dispatch = Dispatch(
        id: id, approvalID: approvalID, sharedSessionID: sharedSessionID, prompt: prompt, control: control ?? nil,
        attempt: attempt)
      dispatch.content = payload["content"]?.elements ?? []
      dispatch.isEdited = payload["isEdited"]?.bool ?? false
      self = .dispatch(dispatch)
    case "cancel":
      guard let id = payload["dispatchId"]?.string else { return nil }
      self = .cancel(dispatchID: id)
    case "permission", "question":
      guard let notice = PermissionNotice(payload: payload) else { return nil }
      self = .permission(notice)
    default:
      self = .other
    }
  }

  /// Whether an id can stand in a path as it is.
  static func isPlain(_ id: String) -> Bool {
    !id.isEmpty && id.utf8.count <= 256
      && id.utf8.allSatisfy { byte in
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
          || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || "-_.:".utf8.contains(byte)
      }
  }
}

extension AgentControl {
  /// Reads `{kind, id?, value}`; nil for what is not known here.
  init?(_ control: JSONText) {
    switch (control["kind"]?.string, control["id"]?.string, control["value"]) {
    case ("mode", _, let value?):
      guard let mode = value.string else { return nil }
      self = .mode(mode)
    case ("option", let id?, let value?) where value.kind == .string || value.kind == .boolean:
      self = .option(id, value: value)
    default: return nil
    }
  }
}
