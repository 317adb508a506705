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

  @Test func whatIsAlreadyThere() throws {
    let plain = try HostConversationOptions.parse([])
    #expect(plain.choice == nil && plain.task == nil && plain.directories(from: "/w").isEmpty)
    #expect(try HostConversationOptions.parse(["--load", "last"]).choice == .last)
    #expect(try HostConversationOptions.parse(["--load", "a b"]).choice == .id("a b"))
    #expect(
      try HostConversationOptions.parse(["--directory", "/tmp", "--directory", "/"]).directories(from: "/w") == [
        "/tmp", "/",
      ])
    let path = try file(#"{"mcpServers":{"a":{"command":"x","env":{"K":"V"}}}}"#)
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try HostConversationOptions.parse(["--mcp-servers", path]).servers().map(\.values) == [["K": "V"]])
  }

  @Test(arguments: [
    ["--load", ""], ["--sessions", "--sign-out"], ["--mcp-servers", "/no/such/file"],
    ["--directory", "/no/such/directory"],
  ])
  func whatIsNotThereIsNamed(_ arguments: [String]) throws {
    let error = try #require(#expect(throws: (any Error).self) { try HostConversationOptions.parse(arguments) })
    #expect(HostConversationOptions.fullMessage(for: error).contains(arguments[0]))
  }

  @Test(
    arguments: [([], nil), (["--files"], .ask), (["--files", "allow"], .allow), (["--files", "ask"], .ask)]
      as [([String], FileAccess?)])
  func filesAreOfferedWithOrWithoutAWord(_ arguments: [String], _ expected: FileAccess?) throws {
    let command = try HostCommand.parse(arguments + ["--json", "--", "agent", "--files"])
    #expect(command.files == expected && command.agent == ["agent", "--files"])
  }

  @Test func moreSecretsComeFromAFile() throws {
    let path = try file("project-x\n")
    defer { try? FileManager.default.removeItem(atPath: path) }
    _ = try HostRedactionOptions.parse(["--redact", path]).patterns(
      variables: ["A_TOKEN": "secret-1"], apiKey: "key-123")
    for other in [try file("abc\n"), path + "-gone"] {
      let error = try #require(
        #expect(throws: (any Error).self) { try HostRedactionOptions.parse(["--redact", other]) })
      #expect(HostRedactionOptions.fullMessage(for: error).contains("--redact: "))
    }
  }
}
