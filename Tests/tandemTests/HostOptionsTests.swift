import AgentClientProtocol
import ArgumentParser
import Foundation
import Testing

@testable import tandem

/// Secrets of the host on the command line of `tandem host`, and what of them reaches the agent.
@Suite struct HostOptionsTests {
  private func file(_ text: String) throws -> String {
    let path = FileManager.default.temporaryDirectory.appending(path: "key-\(UUID().uuidString)")
    try Data(text.utf8).write(to: path)
    return path.path
  }

  @Test func theKeyComesFromAFileAFlagOrTheEnvironment() throws {
    let path = try file("  from-file\n")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let environment = ["TANDEM_API_KEY": "from-environment"]
    #expect(try HostKeyOptions.parse(["--api-key-file", path]).key(environment: environment) == "from-file")
    let spaced = try file("a key of words\n")
    defer { try? FileManager.default.removeItem(atPath: spaced) }
    #expect(try HostKeyOptions.parse(["--api-key-file", spaced]).key(environment: [:]) == "a key of words")
    #expect(try HostKeyOptions.parse(["--api-key", "from-flag"]).key(environment: environment) == "from-flag")
    #expect(try HostKeyOptions.parse([]).key(environment: environment) == "from-environment")
    #expect(try HostKeyOptions.parse([]).key(environment: [:]) == nil)
  }

  @Test(arguments: ["", " \n", "two\nlines", "k\u{e9}y", String(repeating: "k", count: 5_000)])
  func aFileThatHoldsNoKeyIsRefused(_ text: String) throws {
    let path = try file(text)
    defer { try? FileManager.default.removeItem(atPath: path) }
    for arguments in [["--api-key-file", path], ["--api-key-file", path + "-gone"]] {
      let error = try #require(#expect(throws: (any Error).self) { try HostKeyOptions.parse(arguments) })
      let message = HostKeyOptions.fullMessage(for: error)
      #expect(message.contains("--api-key-file: \(path)"))
      #expect(text.count < 5 || !message.contains(text))
    }
  }

  @Test func oneKeyIsEnough() {
    #expect(throws: (any Error).self) { try HostKeyOptions.parse(["--api-key", "k", "--api-key-file", "/dev/null"]) }
  }

  @Test func theAgentGetsWhatIsNamed() throws {
    let host = ["PATH": "/bin", "SECRET": "s", "TANDEM_API_KEY": "k"]
    func variables(_ arguments: [String]) throws -> [String: String] {
      try HostEnvironmentOptions.parse(arguments).environment(inherited: host).variables
    }
    #expect(try variables([]) == ["PATH": "/bin", "SECRET": "s"])
    #expect(try variables(["--clean-env"]) == ["PATH": "/bin"])
    #expect(
      try variables(["--clean-env", "--env", "SECRET", "--env", "A=b=c", "--env=X="])
        == ["PATH": "/bin", "SECRET": "s", "A": "b=c", "X": ""])
    #expect(throws: ValidationError.self) { try variables(["--env", "MISSING"]) }
  }

  @Test(arguments: ["TANDEM_API_KEY", "tandem_x=hunter2", "=hunter2"])
  func noVariableOfOursCanBePassedOn(_ text: String) throws {
    let error = try #require(
      #expect(throws: (any Error).self) { try HostEnvironmentOptions.parse(["--env", text]) })
    let message = HostEnvironmentOptions.fullMessage(for: error)
    #expect(message.contains("--env") && !message.contains("hunter2"))
  }
}
