import AgentClientProtocol
import Foundation
import JSONText
import Synchronization
import Testing

@testable import AgentBridge

/// Files and commands for an agent.
@Suite(.timeLimit(.minutes(1)))
struct ToolDeskTests {
  private func request(_ method: String, _ params: String, key: Int = 1) throws -> AgentToolRequest {
    AgentToolRequest(key: key, sessionID: "s", method: method, params: try JSONText(validating: params))
  }

  @Test(
    arguments: [
      (1, nil, "a\nb\nc"), (2, nil, "b\nc"), (2, 1, "b\n"), (3, 9, "c"), (4, nil, ""), (1, 0, ""), (1, 2, "a\nb\n"),
    ] as [(Int, Int?, String)])
  func linesOfAText(_ first: Int, _ limit: Int?, _ expected: String) {
    #expect(FileDesk.lines(of: "a\nb\nc", from: first, atMost: limit) == expected)
  }

  @Test func theEndOfAnOutputIsKept() {
    var tail = OutputTail(limit: 8)
    tail.append(Array("abc".utf8))
    #expect(tail.text == "abc" && !tail.isTruncated)
    tail.append(Array("défghi".utf8))
    #expect(tail.text == "défghi".suffix(7).description || tail.text.utf8.count <= 8)
    #expect(tail.isTruncated)
    tail.append(Array(repeating: UInt8(ascii: "x"), count: 100))
    #expect(tail.text == "xxxxxxxx")
    for _ in 0..<100 { tail.append(Array("é".utf8)) }
    #expect(tail.text == "éééé")
  }

  @Test func aWriteWaitsForItsAnswer() async throws {
    let directory = NSTemporaryDirectory() + "tandem-desk-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let answers = Mutex<[AgentPermissionOutcome]>([
      .selected(optionID: "reject"), .cancelled, .selected(optionID: "allow"),
    ])
    let asked = Mutex<[AgentPermissionRequest]>([])
    let desk = FileDesk(tree: try WorkingTree(directory, maximumBytes: 1_000), asksForWrites: true) { question in
      asked.withLock { $0.append(question) }
      return answers.withLock { $0.removeFirst() }
    }
    let write = try request("fs/write_text_file", #"{"path":"\#(directory)/a","content":"new"}"#)
    #expect(await desk.use(write) == .error(code: -32603, message: "The host does not allow this write."))
    #expect(await desk.use(write) == .cancelled)
    #expect(!FileManager.default.fileExists(atPath: directory + "/a"))
    #expect(await desk.use(write) == .result(JSONText { _ in }))
    let question = try #require(asked.withLock { $0.last })
    #expect(question.title == "Create a")
    #expect(question.toolCall["content"]?.elements.first?["newText"]?.string == "new")
    #expect(
      await desk.use(try request("fs/read_text_file", #"{"path":"\#(directory)/a"}"#))
        == .result(JSONText { $0.add("content", "new") }))
    // Nobody is asked for what can't be done.
    for path in ["/etc/passwd", directory, directory + "/../x"] {
      guard
        case .error(-32602, _) = await desk.use(try request("fs/write_text_file", #"{"path":"\#(path)","content":""}"#))
      else {
        Issue.record("\(path) was written")
        continue
      }
    }
    #expect(asked.withLock { $0.count } == 3)
    #expect(await desk.use(try request("fs/read_text_file", #"{"path":"\#(directory)/none"}"#)) == .notFound)
    try Data([0xFF]).write(to: URL(fileURLWithPath: directory + "/binary"))
    #expect(
      await desk.use(try request("fs/read_text_file", #"{"path":"\#(directory)/binary"}"#))
        == .invalid("The file is not UTF-8 text."))
    #expect(await desk.use(try request("fs/read_text_file", "{}")) == .invalid("A path is missing."))
  }

  /// A desk with commands, whose updates are noted.
  private func withTerminals(
    interval: Duration = .milliseconds(10), _ change: (inout TerminalDesk.Limits) -> Void = { _ in },
    _ body: @escaping @Sendable (TerminalDesk, @escaping @Sendable () -> [JSONText]) async throws -> Void
  ) async throws {
    let updates = Mutex<[JSONText]>([])
    var limits = TerminalDesk.Limits()
    change(&limits)
    let desk = TerminalDesk(
      environment: ["PATH": "/usr/bin:/bin"], workingDirectory: "/", limits: limits, interval: interval,
      secrets: SecretPatterns()
    ) { update in updates.withLock { $0.append(update.update) } }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await desk.run() }
      try await body(desk) { updates.withLock { $0 } }
      group.cancelAll()
    }
  }

  private func create(_ desk: TerminalDesk, _ script: String, more: String = "") async throws -> String {
    let params = #"{"command":"/bin/sh","args":["-c","\#(script)"]\#(more)}"#
    guard case .result(let result) = await desk.use(try request("terminal/create", params)) else { return "none" }
    return result["terminalId"]?.string ?? "none"
  }

  private func ask(_ desk: TerminalDesk, _ what: String, _ id: String) async throws -> String {
    switch await desk.use(try request("terminal/\(what)", #"{"terminalId":"\#(id)"}"#)) {
    case .result(let result): result.description
    case .error(let code, _): "\(code)"
    }
  }

  @Test func aCommandsLife() async throws {
    try await withTerminals { desk, updates in
      let id = try await create(desk, "echo $A; exit 2", more: #","env":[{"name":"A","value":"b"}],"cwd":"/""#)
      #expect(try await ask(desk, "wait_for_exit", id) == #"{"exitCode":2}"#)
      #expect(
        try await ask(desk, "output", id) == #"{"output":"b\n","truncated":false,"exitStatus":{"exitCode":2}}"#)
      #expect(updates().first?["sessionUpdate"]?.string == "tool_call")
      #expect(updates().last?["status"]?.string == "failed")
      #expect(updates().last?["content"]?.elements.first?["content"]?["text"]?.string == "b\n")
      #expect(try await ask(desk, "release", id) == "{}")
      #expect(try await ask(desk, "output", id) == "-32602")
      let other = try await create(desk, "exec sleep 600")
      #expect(try await ask(desk, "kill", other) == "{}")
      #expect(try await ask(desk, "wait_for_exit", other) == #"{"signal":"15"}"#)
      let missing = await desk.use(try request("terminal/create", #"{"command":"/no/such/command"}"#))
      guard case .result(let made) = missing, let third = made["terminalId"]?.string else { return }
      #expect(try await ask(desk, "wait_for_exit", third) == #"{"exitCode":127}"#)
    }
  }

  @Test func aFloodIsBoundedAndCoalesced() async throws {
    try await withTerminals(interval: .milliseconds(50)) {
      $0.outputBytes = 1_000
      $0.shownBytes = 100
    } _: { desk, updates in
      let id = try await create(desk, "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done")
      _ = try await ask(desk, "wait_for_exit", id)
      let output = try await ask(desk, "output", id)
      #expect(output.contains("line 19999") && output.contains(#""truncated":true"#) && output.utf8.count < 2_500)
      let shown = updates().compactMap { $0["content"]?.elements.first?["content"]?["text"]?.string }
      #expect(shown.last?.hasPrefix("[...]\n") == true && shown.last?.hasSuffix("line 19999\n") == true)
      #expect(shown.allSatisfy { $0.utf8.count <= 110 } && shown.count < 2_000)
    }
  }

  /// The end of an output could begin in the middle of a secret.
  @Test func secretsAreRemovedBeforeTheEndIsCut() async throws {
    try await withTerminals {
      $0.shownBytes = 40
    } _: { desk, updates in
      let id = try await create(desk, "printf ghp_; sleep 0.1; printf aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3")
      _ = try await ask(desk, "wait_for_exit", id)
      #expect(
        !updates().contains { $0.description.contains("content") && $0["content"]?.description.contains("aB3") == true }
      )
      #expect(updates().last?["content"]?.description.contains("[removed: GitHub token]") == true)
    }
  }

  @Test func theTurnsEndEndsItsCommands() async throws {
    try await withTerminals {
      $0.terminals = 2
    } _: { desk, updates in
      let ids = [try await create(desk, "sleep 600"), try await create(desk, "sleep 600")]
      #expect(try await create(desk, "true") == "none", "two are open")
      await desk.endTurn()
      #expect(updates().filter { $0["status"]?.string == "failed" }.count == 2)
      #expect(try await ask(desk, "output", ids[0]) == "-32602")
      #expect(try await create(desk, "true") != "none")
      await desk.endTurn()
    }
  }
}
