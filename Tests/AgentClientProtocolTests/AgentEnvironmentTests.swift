import Foundation
import JSONText
import Logging
import Testing

@testable import AgentClientProtocol

/// What an agent, and whoever makes it talk, learns of the host's environment.
struct AgentEnvironmentTests {
  private static let host = [
    "PATH": "/bin", "HOME": "/h", "LC_ALL": "C", "TERM": "xterm", "AWS_KEY": "s", "EMPTY": "", "TANDEM_API_KEY": "s",
    "TANDEM_": "s", "Tandem_Server": "s", "TANDEMONIUM": "mine",
  ]

  private func entries(_ texts: String...) throws -> [AgentEnvironment.Entry] {
    try texts.map { try #require(AgentEnvironment.Entry($0)) }
  }

  @Test func noVariableOfOursReachesAnAgent() {
    let names = Set(AgentEnvironment(inherited: Self.host).variables.keys)
    #expect(names == ["PATH", "HOME", "LC_ALL", "TERM", "AWS_KEY", "EMPTY", "TANDEMONIUM"])
  }

  @Test func aCleanEnvironmentHoldsWhatEveryProgramNeedsAndWhatIsNamed() throws {
    let clean = AgentEnvironment(inherited: Self.host, isClean: true)
    #expect(Set(clean.variables.keys) == ["PATH", "HOME", "LC_ALL", "TERM"])
    let named = AgentEnvironment(
      inherited: Self.host, isClean: true,
      adding: try entries("AWS_KEY", "EMPTY", "PATH=/opt", "A=b=c", "NONE=", "GONE")
    )
    #expect(
      named.variables == [
        "PATH": "/opt", "HOME": "/h", "LC_ALL": "C", "TERM": "xterm", "AWS_KEY": "s", "EMPTY": "", "A": "b=c",
        "NONE": "",
      ])
  }

  @Test(arguments: ["", "=x", "TANDEM_API_KEY", "TANDEM_X=1", "tandem_x", "A\u{0}B=1", "A=\u{0}"])
  func whatIsNoVariableForAnAgentIsRefused(_ text: String) {
    #expect(AgentEnvironment.Entry(text) == nil)
  }

  /// A real child writes down what it has.
  @Test(.timeLimit(.minutes(1)), arguments: [false, true])
  func aRealChildPrintsNothingElse(_ isClean: Bool) async throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "environment-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    var configuration = AgentConfiguration(
      command: ["/bin/sh", "-c", #"env > "$1""#, "sh", file.path], workingDirectory: "/")
    configuration.environment = AgentEnvironment(
      inherited: ["PATH": "/usr/bin:/bin", "SECRET": "s3cret", "TANDEM_API_KEY": "s3cret"], isClean: isClean,
      adding: try entries("PASSED=on purpose"))
    let connection = AgentConnection(
      configuration: configuration, handler: Nobody(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    #expect(try await connection.run() == .exited(status: 0))
    let printed = try String(contentsOf: file, encoding: .utf8)
    let names = Set(printed.split(separator: "\n").map { String($0.prefix { $0 != "=" }) })
    // What a shell adds by itself.
    let expected: Set = isClean ? ["PATH", "PASSED"] : ["PATH", "PASSED", "SECRET"]
    #expect(names.subtracting(["PWD", "OLDPWD", "SHLVL", "_"]) == expected)
    #expect(printed.contains("PASSED=on purpose\n"))
  }

  private struct Nobody: AgentHandler {
    func agentSent(_ notification: AgentNotification) async {}
    func agentAsks(_ request: AgentPermissionRequest) async -> AgentPermissionOutcome { .cancelled }
  }
}
