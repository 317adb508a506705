public import JSONText

/// What we do for an agent when it asks; an immutable value. Nothing, unless said otherwise.
public struct OfferedTools: Sendable, Hashable {
  /// `fs/read_text_file`.
  public var readsFiles = false
  /// `fs/write_text_file`.
  public var writesFiles = false
  /// The `terminal/` methods.
  public var runsTerminals = false
  /// `elicitation/create`: asking people for what the agent needs to know, in a form or on a page.
  public var asksPeople = false

  /// Nothing is offered.
  public init() {}

  /// Whether a request of the agent is one for these.
  func include(_ method: String) -> Bool {
    switch method {
    case "fs/read_text_file": readsFiles
    case "fs/write_text_file": writesFiles
    case "terminal/create", "terminal/output", "terminal/wait_for_exit", "terminal/kill", "terminal/release":
      runsTerminals
    case "elicitation/create": asksPeople
    default: false
    }
  }
}

/// The agent wants something done that we have offered; an immutable value.
public struct AgentToolRequest: Sendable, Hashable {
  /// Names this request on its connection.
  public let key: Int
  /// The agent's session it belongs to.
  public let sessionID: String
  /// The protocol's method, such as `fs/read_text_file`.
  public let method: String
  /// What it is asked with.
  public let params: JSONText

  /// A request.
  public init(key: Int, sessionID: String, method: String, params: JSONText) {
    self.key = key
    self.sessionID = sessionID
    self.method = method
    self.params = params
  }
}

/// What a request of the agent is answered with.
public enum AgentToolAnswer: Sendable, Hashable {
  /// It is done.
  case result(JSONText)
  /// It isn't, for this reason.
  case error(code: Int64, message: String)

  /// There is no such method.
  public static let methodNotFound = AgentToolAnswer.error(code: -32601, message: "Method not found")
  /// There is no such file.
  public static let notFound = AgentToolAnswer.error(code: -32002, message: "Resource not found")
  /// The agent no longer wants an answer.
  public static let cancelled = AgentToolAnswer.error(code: -32800, message: "Request cancelled")

  /// The request isn't what the protocol says, or asks for what isn't allowed.
  public static func invalid(_ message: String) -> AgentToolAnswer { .error(code: -32602, message: message) }
}
