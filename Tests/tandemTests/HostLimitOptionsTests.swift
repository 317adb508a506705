import AgentBridge
import AgentClientProtocol
import ArgumentParser
import Testing

@testable import tandem

@Suite struct HostLimitOptionsTests {
  private func configuration(_ arguments: [String]) throws -> BridgeConfiguration {
    var agent = AgentConfiguration(command: ["agent"], workingDirectory: "/")
    agent.environment = AgentEnvironment(inherited: [:])
    var configuration = BridgeConfiguration(servers: [], agent: agent, userID: "host")
    try HostLimitOptions.parse(arguments).apply(to: &configuration)
    return configuration
  }

  @Test func withoutThemTheDefaultsHold() throws {
    var agent = AgentConfiguration(command: ["agent"], workingDirectory: "/")
    agent.environment = AgentEnvironment(inherited: [:])
    var (given, own) = ("", "")
    dump(try configuration([]), to: &given)
    dump(BridgeConfiguration(servers: [], agent: agent, userID: "host"), to: &own)
    #expect(given == own)
  }

  /// What a node may send has to fit into what a bridge reads.
  @Test func theLargestNotificationOfANodeFitsIntoAnEvent() throws {
    let key = try #require(ConfigurationKey.named("limits.notification"))
    guard case .bytes(let range) = key.kind else {
      Issue.record("limits.notification is no number of bytes")
      return
    }
    #expect(range.upperBound < BridgeConfiguration.defaultEventBytes)
  }

  @Test func eachReachesItsPart() throws {
    let given = try configuration([
      "--agent-start", "5s", "--agent-cancel", "6s", "--agent-line", "70KiB", "--agent-unread", "80KiB",
      "--agent-questions", "7", "--answer-check", "9s", "--waiting-updates", "8",
      "--waiting-bytes", "90KiB", "--update-bytes", "100KiB", "--event-bytes", "110KiB",
    ])
    #expect(given.agent.startTimeout == .seconds(5) && given.cancelTimeout == .seconds(6))
    #expect(given.agent.limits.lineBytes == 70 << 10 && given.agent.limits.outgoingBytes == 80 << 10)
    #expect(given.agent.limits.openPermissions == 7 && given.permissionInterval == .seconds(9))
    #expect(given.waitingUpdates == 8 && given.waitingBytes == 90 << 10 && given.updateBytes == 100 << 10)
    #expect(given.eventBytes == 110 << 10)
    let others = try HostLimitOptions.parse(["--read-timeout", "40s", "--question-rows", "50"])
    #expect(others.readTimeout.duration == .seconds(40) && others.questionRows == 50)
  }

  @Test(arguments: [
    ["--agent-start", "0s"], ["--agent-start", "2h"], ["--agent-start", "soon"], ["--agent-cancel", "500ms"],
    ["--answer-check", "0s"],
    ["--agent-line", "1KiB"], ["--agent-unread", "2GiB"], ["--agent-questions", "0"], ["--waiting-updates", "100001"],
    ["--waiting-bytes", "many"], ["--update-bytes", "65MiB"],
    ["--event-bytes", "1KiB"], ["--read-timeout", "0s"], ["--question-rows", "9"],
  ])
  func whatIsOutOfBoundsIsRefusedByName(_ arguments: [String]) throws {
    let error = try #require(#expect(throws: (any Error).self) { try HostLimitOptions.parse(arguments) })
    #expect(HostLimitOptions.fullMessage(for: error).contains(arguments[0]))
  }
}
