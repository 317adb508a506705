import JSONText

/// What a session is opened with beside its directory; an immutable value.
struct SessionExtras: Sendable, Hashable {
  /// Servers of the Model Context Protocol for the agent, in the protocol's form.
  var mcpServers: [JSONText] = []
  /// Further directories, for agents that take them.
  var additionalDirectories: [String] = []
}

/// A request we send to an agent; an immutable value.
enum AgentCall: Sendable, Hashable {
  case initialize(clientName: String, clientVersion: String, tools: OfferedTools = OfferedTools())
  case authenticate(methodID: String)
  case logOut
  case newSession(workingDirectory: String, extras: SessionExtras = SessionExtras())
  /// With `wantsReplay` what the agent replays is delivered, marked as such; else it is dropped.
  case loadSession(
    String, workingDirectory: String, extras: SessionExtras = SessionExtras(), wantsReplay: Bool = false)
  case resumeSession(String, workingDirectory: String, extras: SessionExtras = SessionExtras())
  case listSessions(workingDirectory: String?, cursor: String?)
  case closeSession(String)
  case set(AgentControl, sessionID: String)
  case prompt(sessionID: String, blocks: [JSONText])

  /// A prompt that is only a text.
  static func prompt(sessionID: String, text: String) -> AgentCall {
    let block = JSONText {
      $0.add("type", "text")
      $0.add("text", text)
    }
    return .prompt(sessionID: sessionID, blocks: [block])
  }

  var method: String {
    switch self {
    case .initialize: "initialize"
    case .authenticate: "authenticate"
    case .logOut: "logout"
    case .newSession: "session/new"
    case .loadSession: "session/load"
    case .resumeSession: "session/resume"
    case .listSessions: "session/list"
    case .closeSession: "session/close"
    case .set(.mode, _): "session/set_mode"
    case .set(.option, _): "session/set_config_option"
    case .prompt: "session/prompt"
    }
  }

  var parameters: JSONText {
    JSONText { params in
      switch self {
      case .initialize(let name, let version, let tools):
        params.add("protocolVersion", AgentDescription.protocolVersion)
        // What isn't offered the agent does by its own rules, on the host's machine.
        params.add("clientCapabilities") { capabilities in
          capabilities.add("fs") {
            $0.add("readTextFile", tools.readsFiles)
            $0.add("writeTextFile", tools.writesFiles)
          }
          capabilities.add("terminal", tools.runsTerminals)
          capabilities.add("session") { session in
            session.add("configOptions") { $0.add("boolean") { _ in } }
          }
          if tools.asksPeople {
            capabilities.add("elicitation") {
              $0.add("form", JSONText { _ in })
              $0.add("url", JSONText { _ in })
            }
          }
        }
        params.add("clientInfo") {
          $0.add("name", name)
          $0.add("title", name)
          $0.add("version", version)
        }
      case .authenticate(let methodID):
        params.add("methodId", methodID)
      case .logOut: break
      case .newSession(let workingDirectory, let extras):
        Self.addPlace(workingDirectory, extras, to: &params)
      case .loadSession(let sessionID, let workingDirectory, let extras, _),
        .resumeSession(let sessionID, let workingDirectory, let extras):
        params.add("sessionId", sessionID)
        Self.addPlace(workingDirectory, extras, to: &params)
      case .listSessions(let workingDirectory, let cursor):
        params.add("cwd", workingDirectory)
        params.add("cursor", cursor)
      case .closeSession(let sessionID):
        params.add("sessionId", sessionID)
      case .set(.mode(let modeID), let sessionID):
        params.add("sessionId", sessionID)
        params.add("modeId", modeID)
      case .set(.option(let optionID, let value), let sessionID):
        params.add("sessionId", sessionID)
        params.add("configId", optionID)
        if value.bool != nil { params.add("type", "boolean") }
        params.add("value", value)
      case .prompt(let sessionID, let blocks):
        params.add("sessionId", sessionID)
        params.add("prompt", JSONText(array: blocks))
      }
    }
  }

  /// Agents refuse a session without a list of servers, even an empty one.
  private static func addPlace(_ workingDirectory: String, _ extras: SessionExtras, to params: inout JSONObjectWriter) {
    params.add("cwd", workingDirectory)
    if !extras.additionalDirectories.isEmpty {
      params.add("additionalDirectories", JSONText(array: extras.additionalDirectories.map { JSONText(string: $0) }))
    }
    params.add("mcpServers", JSONText(array: extras.mcpServers))
  }
}
