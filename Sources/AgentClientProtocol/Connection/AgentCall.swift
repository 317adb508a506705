import JSONText

/// A request we send to an agent; an immutable value.
enum AgentCall: Sendable, Hashable {
  case initialize(clientName: String, clientVersion: String)
  case authenticate(methodID: String)
  case newSession(workingDirectory: String)
  case loadSession(String, workingDirectory: String)
  case resumeSession(String, workingDirectory: String)
  case prompt(sessionID: String, text: String)

  var method: String {
    switch self {
    case .initialize: "initialize"
    case .authenticate: "authenticate"
    case .newSession: "session/new"
    case .loadSession: "session/load"
    case .resumeSession: "session/resume"
    case .prompt: "session/prompt"
    }
  }

  var parameters: JSONText {
    JSONText { params in
      switch self {
      case .initialize(let name, let version):
        params.add("protocolVersion", AgentDescription.protocolVersion)
        params.add("clientCapabilities") { capabilities in
          // Nothing is offered: an agent then reads files and runs commands by its own rules, on the host's machine.
          capabilities.add("fs") {
            $0.add("readTextFile", false)
            $0.add("writeTextFile", false)
          }
          capabilities.add("terminal", false)
        }
        params.add("clientInfo") {
          $0.add("name", name)
          $0.add("title", name)
          $0.add("version", version)
        }
      case .authenticate(let methodID):
        params.add("methodId", methodID)
      case .newSession(let workingDirectory):
        Self.addPlace(workingDirectory, to: &params)
      case .loadSession(let sessionID, let workingDirectory), .resumeSession(let sessionID, let workingDirectory):
        params.add("sessionId", sessionID)
        Self.addPlace(workingDirectory, to: &params)
      case .prompt(let sessionID, let text):
        params.add("sessionId", sessionID)
        let block = JSONText {
          $0.add("type", "text")
          $0.add("text", text)
        }
        params.add("prompt", JSONText(array: [block]))
      }
    }
  }

  /// Agents refuse a session without a list of servers, even an empty one.
  private static func addPlace(_ workingDirectory: String, to params: inout JSONObjectWriter) {
    params.add("cwd", workingDirectory)
    params.add("mcpServers", JSONText(array: []))
  }
}
