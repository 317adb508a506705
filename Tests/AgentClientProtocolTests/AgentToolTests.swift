import Basics
import JSONText
import NIOCore
import Synchronization
import Testing

@testable import AgentClientProtocol

/// What an agent may have done, and commands that are run for it.
struct AgentToolTests {
  private typealias Machine = AgentConnectionStateMachine<String>

  private func machine(_ change: (inout OfferedTools) -> Void, limits: AgentConfiguration.Limits = .init()) -> Machine {
    var offered = OfferedTools()
    change(&offered)
    var machine = Machine(limits: limits, offered: offered)
    _ = machine.request(.newSession(workingDirectory: "/"), waiter: "new")
    _ = machine.receive(.complete(ByteBuffer(string: #"{"id":0,"result":{"sessionId":"s"}}"#)))
    _ = machine.nextOutgoing()
    return machine
  }

  private func ask(_ machine: inout Machine, _ id: String, _ method: String, session: String = "s") -> [Int] {
    let line = #"{"id":\#(id),"method":"\#(method)","params":{"sessionId":"\#(session)","path":"/x"}}"#
    return machine.receive(.complete(ByteBuffer(string: line))).compactMap { action in
      if case .useTool(let request) = action { request.key } else { nil }
    }
  }

  private func written(_ machine: inout Machine) -> [String] {
    var lines: [String] = []
    while let line = machine.nextOutgoing() { lines.append(String(String(buffer: line).dropLast())) }
    return lines
  }

  @Test func onlyWhatIsOfferedIsDone() {
    var machine = machine { $0.readsFiles = true }
    #expect(ask(&machine, "1", "fs/read_text_file") == [0])
    #expect(ask(&machine, "2", "fs/write_text_file").isEmpty)
    #expect(ask(&machine, "3", "terminal/create").isEmpty)
    #expect(ask(&machine, "4", "fs/read_text_file", session: "other").isEmpty)
    #expect(written(&machine).map { $0.contains("-32601") || $0.contains("-32602") } == [true, true, true])
    _ = machine.answerTool(key: 0, .result(JSONText { $0.add("content", "x") }))
    _ = machine.answerTool(key: 0, .cancelled)
    #expect(written(&machine) == [#"{"jsonrpc":"2.0","id":1,"result":{"content":"x"}}"#])
    let call = AgentCall.initialize(
      clientName: "c", clientVersion: "1",
      tools: {
        var t = OfferedTools(); t.runsTerminals = true; return t
      }())
    #expect(
      call.parameters["clientCapabilities"]?.description
        == #"{"fs":{"readTextFile":false,"writeTextFile":false},"terminal":true,"session":{"configOptions":{"boolean":{}}}}"#
    )
  }

  @Test func peopleAreAskedWhereThatIsOfferedAlsoForARequestOfOurs() {
    var machine = machine { $0.asksPeople = true }
    #expect(ask(&machine, "1", "elicitation/create") == [0])
    #expect(ask(&machine, "2", "elicitation/create", session: "other").isEmpty)
    let ofRequest = #"{"id":3,"method":"elicitation/create","params":{"requestId":0,"message":"x"}}"#
    #expect(machine.receive(.complete(ByteBuffer(string: ofRequest))).count == 1)
    let page =
      #"{"id":4,"method":"elicitation/create","params":{"sessionId":"s","mode":"url","elicitationId":"e","url":"u"}}"#
    #expect(machine.receive(.complete(ByteBuffer(string: page))).count == 1)
    _ = written(&machine)
    let done = #"{"method":"elicitation/complete","params":{"elicitationId":"e"}}"#
    let actions = machine.receive(.complete(ByteBuffer(string: done)))
    #expect(actions.count == 1)
    #expect(written(&machine) == [#"{"jsonrpc":"2.0","id":4,"result":{"action":"accept"}}"#])
    #expect(machine.receive(.complete(ByteBuffer(string: done))).isEmpty)
    let call = AgentCall.initialize(
      clientName: "c", clientVersion: "1",
      tools: {
        var t = OfferedTools(); t.asksPeople = true; return t
      }())
    #expect(call.parameters["clientCapabilities"]?["elicitation"]?.description == #"{"form":{},"url":{}}"#)
  }

  @Test func theAgentMayTakeARequestBack() {
    var machine = machine { $0.runsTerminals = true }
    #expect(ask(&machine, #""a""#, "terminal/wait_for_exit") == [0])
    let actions = machine.receive(
      .complete(ByteBuffer(string: #"{"method":"$/cancel_request","params":{"requestId":"a"}}"#)))
    #expect(actions.count == 1 && !machine.isOpen(tool: 0))
    #expect(written(&machine) == [#"{"jsonrpc":"2.0","id":"a","error":{"code":-32800,"message":"Request cancelled"}}"#])
  }

  @Test func requestsAreBounded() {
    var limits = AgentConfiguration.Limits()
    limits.openRequests = 2
    var machine = machine({ $0.readsFiles = true }, limits: limits)
    #expect((0..<4).flatMap { ask(&machine, "\($0)", "fs/read_text_file") } == [0, 1])
    #expect(written(&machine).allSatisfy { $0.contains("Too many requests are open") })
    let actions = machine.close(AgentError(.exited, "gone"))
    #expect(actions.count == 2 && !machine.isOpen(tool: 0))
  }

  private func run(_ script: String, kill: Bool = false) async throws -> (AgentExit, String) {
    let process = TerminalProcess(
      command: ["/bin/sh", "-c", script], environment: ["PATH": "/usr/bin:/bin", "X": "y"], workingDirectory: "/",
      grace: .milliseconds(200))
    let output = Mutex("")
    let exit = try await process.run { bytes in
      output.withLock { $0 += String(decoding: bytes, as: UTF8.self) }
      if kill { process.kill() }
    }
    return (exit, output.withLock { $0 })
  }

  @Test(.timeLimit(.minutes(1))) func aCommandRuns() async throws {
    #expect(try await run("echo $X; echo e >&2; exit 3") == (.exited(status: 3), "y\ne\n"))
    #expect(try await run("echo go; exec sleep 600", kill: true) == (.signaled(15), "go\n"))
    #expect(try await run("trap '' TERM; echo go; while :; do sleep 1; done", kill: true) == (.signaled(9), "go\n"))
    await #expect(throws: AgentError.self) {
      try await TerminalProcess(command: ["/no/such"], environment: [:], workingDirectory: "/").run { _ in }
    }
    await #expect(throws: AgentError.self) {
      try await TerminalProcess(command: [], environment: [:], workingDirectory: "/").run { _ in }
    }
  }

  /// What a command has left behind would hold its output open, and outlive it.
  @Test(.timeLimit(.minutes(1))) func whatACommandLeavesBehindEndsWithIt() async throws {
    #expect(try await run("sleep 600 & echo started") == (.exited(status: 0), "started\n"))
  }

  /// The draft of version 2: a prompt is answered at once, and an update ends its turn.
  @Test func aTurnThatEndsWithAnUpdate() {
    var machine = Machine(limits: .init(), adapter: ProtocolAdapter(version: 2))
    func receive(_ line: String) -> [String] {
      machine.receive(.complete(ByteBuffer(string: line))).map { action in
        switch action {
        case .deliver(let update): update.kind
        case .resume(_, .success(let value)): value.description
        default: "?"
        }
      }
    }
    _ = machine.request(.newSession(workingDirectory: "/"), waiter: "new")
    _ = receive(#"{"id":0,"result":{"sessionId":"s"}}"#)
    _ = machine.request(.prompt(sessionID: "s", text: "x"), waiter: "turn")
    #expect(receive(#"{"id":1,"result":{}}"#).isEmpty)
    let update = { (state: String) in
      #"{"method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"state_update",\#(state)}}}"#
    }
    #expect(receive(update(#""state":"running""#)) == ["state_update"])
    #expect(
      receive(update(#""state":"idle","stopReason":"max_tokens""#)) == [
        "state_update", #"{"stopReason":"max_tokens"}"#,
      ])
    #expect(receive(update(#""state":"idle""#)) == ["state_update"])
  }
}
