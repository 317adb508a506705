import JSONText
import Testing

@testable import AgentClientProtocol

/// What agents say about themselves.
struct AgentDescriptionTests {
  private func read(_ text: String) throws -> AgentDescription {
    try AgentDescription(initializeResult: JSONText(validating: text))
  }

  @Test func theShortestAnswerIsEnough() throws {
    let agent = try read(#"{"protocolVersion":1}"#)
    #expect(agent.name == nil)
    #expect(!agent.canLoadSessions && !agent.canResumeSessions)
    #expect(agent.authenticationMethods.isEmpty)
    #expect(agent.authenticationRequired.message.contains("names no way"))
  }

  @Test func everythingIsRead() throws {
    let agent = try read(
      #"{"protocolVersion":1,"agentCapabilities":{"loadSession":true,"sessionCapabilities":{"resume":{}}},"#
        + #""authMethods":[{"id":"key","name":"API key"},{"id":"tty","type":"terminal"},{"name":"odd"}],"#
        + #""agentInfo":{"name":"x","title":"X agent","version":"1.2"}}"#)
    #expect(agent.name == "X agent")
    #expect(agent.version == "1.2")
    #expect(agent.canLoadSessions && agent.canResumeSessions)
    #expect(agent.authenticationMethods.map(\.id) == ["key", "tty"])
    #expect(agent.authenticationMethods.map(\.isTerminal) == [false, true])
    #expect(agent.authenticationRequired.message.contains("It offers: API key (key), tty (tty)."))
  }

  @Test(arguments: ["{}", #"{"protocolVersion":2}"#, #"{"protocolVersion":"1"}"#, "null"])
  func otherVersionsAreRefused(_ text: String) {
    #expect {
      try read(text)
    } throws: { error in
      (error as? AgentError)?.code == .incompatible
    }
  }
}
