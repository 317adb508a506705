import AgentBridge
import AgentClientProtocol
import ArgumentParser
import Testing

@testable import tandem

@Suite struct HostBoundArgumentsTests {
  private func configuration(_ arguments: [String]) throws -> BridgeConfiguration {
    let agent = AgentConfiguration(command: ["agent"], workingDirectory: "/")
    var configuration = BridgeConfiguration(servers: [], agent: agent, userID: "host")
    try HostBoundArguments.parse(arguments).apply(to: &configuration)
    return configuration
  }

  @Test func withoutThemTheDefaultsHold() throws {
    let agent = AgentConfiguration(command: ["agent"], workingDirectory: "/")
    var (given, own) = ("", "")
    dump(try configuration([]), to: &given)
    dump(BridgeConfiguration(servers: [], agent: agent, userID: "host"), to: &own)
    #expect(given == own)
  }

  @Test func eachReachesItsPart() throws {
    let given = try configuration([
      "--agent-start", "5s", "--agent-cancel", "6s", "--agent-line", "70KiB", "--agent-unread", "80KiB",
      "--agent-questions", "7", "--answer-check", "9s", "--waiting-updates", "8",
      "--waiting-bytes", "90KiB", "--update-bytes", "100KiB",
    ])
    #expect(given.agent.startTimeout == .seconds(5) && given.cancelTimeout == .seconds(6))
    #expect(given.agent.limits.lineBytes == 70 << 10 && given.agent.limits.outgoingBytes == 80 << 10)
    #expect(given.agent.limits.openPermissions == 7 && given.permissionInterval == .seconds(9))
    #expect(given.waitingUpdates == 8 && given.waitingBytes == 90 << 10 && given.updateBytes == 100 << 10)
  }

  @Test(arguments: [
    ["--agent-start", "0s"], ["--agent-start", "2h"], ["--agent-start", "soon"], ["--agent-cancel", "500ms"],
    ["--answer-check", "0s"],
    ["--agent-line", "1KiB"], ["--agent-unread", "2GiB"], ["--agent-questions", "0"], ["--waiting-updates", "100001"],
    ["--waiting-bytes", "many"], ["--update-bytes", "65MiB"],
  ])
  func whatIsOutOfBoundsIsRefusedByName(_ arguments: [String]) throws {
    let error = try #require(#expect(throws: (any Error).self) { try HostBoundArguments.parse(arguments) })
    #expect(HostBoundArguments.fullMessage(for: error).contains(arguments[0]))
  }
}
