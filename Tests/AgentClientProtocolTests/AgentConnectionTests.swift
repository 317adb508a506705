import JSONText
import Logging
import NIOCore
import Synchronization
import Testing

@testable import AgentClientProtocol

/// Real processes: agents made of a few lines of shell.
struct AgentConnectionTests {
  /// Notes what comes, and answers every question with what it was made with.
  private final class Recorder: AgentHandler {
    let updates = Mutex<[String]>([])
    let questions = Mutex<[String]>([])
    let answer: @Sendable () async -> AgentPermissionOutcome

    init(answer: @escaping @Sendable () async -> AgentPermissionOutcome = { .cancelled }) {
      self.answer = answer
    }

    func agentSent(_ notification: AgentNotification) async {
      updates.withLock { $0.append(notification.update["n"]?.description ?? notification.kind) }
    }

    func agentAsks(_ request: AgentPermissionRequest) async -> AgentPermissionOutcome {
      questions.withLock { $0.append(request.title) }
      return await answer()
    }
  }

  private func connection(_ script: String, _ handler: any AgentHandler = Recorder()) -> AgentConnection {
    var configuration = AgentConfiguration(command: ["/bin/sh", "-c", script], workingDirectory: "/")
    configuration.stopGrace = .milliseconds(200)
    return AgentConnection(configuration: configuration, handler: handler, logger: Logger(label: "test"))
  }

  /// The first two answers every agent gives.
  private static let greeting = #"""
    read l; echo '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1}}'
    read l; echo '{"jsonrpc":"2.0","id":1,"result":{"sessionId":"s"}}'

    """#

  private static func update(_ number: Int) -> String {
    #"echo '{"method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"k","n":\#(number)}}}'"#
      + "\n"
  }

  /// Runs the agent beside the body, stops it afterwards and returns how it ended.
  private func run(
    _ connection: AgentConnection, _ body: () async throws -> Void
  ) async throws -> AgentExit {
    async let exit = connection.run()
    do {
      try await body()
    } catch {
      connection.stop()
      _ = try await exit
      throw error
    }
    connection.stop()
    return try await exit
  }

  @Test func aTurnFromStartToEnd() async throws {
    let recorder = Recorder()
    let agent = connection(
      Self.greeting + "echo 'not json'\nread l\n" + Self.update(1) + Self.update(2)
        + #"echo '{"jsonrpc":"2.0","id":2,"result":{"stopReason":"max_tokens"}}'; cat >/dev/null"#, recorder)
    let exit = try await run(agent) {
      let description = try await agent.initialize()
      #expect(try await agent.openSession(description) == "s")
      #expect(try await agent.prompt("hi", sessionID: "s").rawValue == "max_tokens")
      // Everything of the turn has come by now, in order.
      #expect(recorder.updates.withLock { $0 } == ["1", "2"])
    }
    #expect(exit == .exited(status: 0))
  }

  @Test func aCrashEndsTheTurnWithASentence() async throws {
    let agent = connection(Self.greeting + "read l\necho 'out of luck' >&2\nexit 7")
    let exit = try await run(agent) {
      _ = try await agent.openSession(try await agent.initialize())
      await #expect(
        throws: AgentError(.exited, "The agent exited with status 7. Its last words: out of luck")
      ) {
        try await agent.prompt("hi", sessionID: "s")
      }
    }
    #expect(exit == .exited(status: 7))
    await #expect(throws: AgentError.self) { try await agent.prompt("late", sessionID: "s") }
  }

  @Test func whatWasWrittenBeforeLeavingIsRead() async throws {
    let recorder = Recorder()
    let agent = connection(
      Self.greeting + "read l\n" + (1...200).map(Self.update).joined()
        + #"printf '{"jsonrpc":"2.0","id":2,"result":{"stopReason":"end_turn"}}'; exit 0"#, recorder)
    _ = try await run(agent) {
      _ = try await agent.openSession(try await agent.initialize())
      #expect(try await agent.prompt("hi", sessionID: "s") == .endTurn)
    }
    #expect(recorder.updates.withLock { $0 } == (1...200).map(String.init))
  }

  @Test(arguments: [["/does/not/exist"], ["no-such-agent-anywhere"], [""], []])
  func anAgentThatCannotStart(_ command: [String]) async {
    let agent = AgentConnection(
      configuration: AgentConfiguration(command: command, workingDirectory: "/"), handler: Recorder(),
      logger: Logger(label: "test"))
    await withDiscardingTaskGroup { group in
      group.addTask {
        await #expect {
          try await agent.initialize()
        } throws: { error in
          (error as? AgentError)?.code == .cannotStart
        }
      }
      await #expect {
        try await agent.run()
      } throws: { error in
        (error as? AgentError)?.code == .cannotStart
      }
    }
  }

  @Test func anAgentThatStaysIsEndedBySignal() async throws {
    // It neither reads its input nor minds SIGTERM, and has a child that does the same.
    let agent = connection(
      "trap '' TERM\n" + Self.greeting + "(trap '' TERM; while :; do sleep 1; done) &\nwhile :; do sleep 1; done")
    let exit = try await run(agent) { _ = try await agent.openSession(try await agent.initialize()) }
    #expect(exit == .signaled(9))
  }

  @Test func anAgentThatHeedsSIGTERM() async throws {
    let agent = connection("trap 'exit 5' TERM\n" + Self.greeting + "while :; do sleep 0.1; done")
    let exit = try await run(agent) { _ = try await agent.openSession(try await agent.initialize()) }
    #expect(exit == .exited(status: 5))
  }

  @Test func aQuestionIsAskedWhileTheTurnGoesOn() async throws {
    let recorder = Recorder { .selected(optionID: "y") }
    let agent = connection(
      Self.greeting + "read l\n"
        + #"echo '{"id":"q","method":"session/request_permission","params":{"sessionId":"s","toolCall":{"toolCallId":"c","title":"rm"},"options":[]}}'"#
        + "\nread answer\n"
        + #"echo "{\"id\":2,\"result\":{\"stopReason\":\"$(echo "$answer" | tr -d '"{}:,')\"}}"; cat >/dev/null"#,
      recorder)
    _ = try await run(agent) {
      _ = try await agent.openSession(try await agent.initialize())
      let answer = try await agent.prompt("hi", sessionID: "s").rawValue
      #expect(answer == "jsonrpc2.0idqresultoutcomeoutcomeselectedoptionIdy")
    }
    #expect(recorder.questions.withLock { $0 } == ["rm"])
  }

  @Test func cancellingTakesTheQuestionBack() async throws {
    let (asked, question) = AsyncStream<Void>.makeStream()
    let wasCancelled = Mutex(false)
    let recorder = Recorder {
      question.finish()
      while !Task.isCancelled { await Task.yield() }
      wasCancelled.withLock { $0 = true }
      return .selected(optionID: "too late")
    }
    let agent = connection(
      Self.greeting + "read l\n"
        + #"echo '{"id":"q","method":"session/request_permission","params":{"sessionId":"s","toolCall":{"toolCallId":"c"},"options":[]}}'"#
        + "\nread cancel; read answer\n"
        + #"case "$answer" in *'"outcome":"cancelled"'*) echo '{"id":2,"error":{"code":-32603,"message":"aborted"}}';; esac; cat >/dev/null"#,
      recorder)
    _ = try await run(agent) {
      _ = try await agent.openSession(try await agent.initialize())
      async let turn = agent.prompt("hi", sessionID: "s")
      for await _ in asked {}
      agent.cancel(sessionID: "s")
      #expect(try await turn == .cancelled)
    }
    #expect(wasCancelled.withLock { $0 })
  }

  @Test func signingIn() async throws {
    let script = #"""
      read l; echo '{"id":0,"result":{"protocolVersion":1,"authMethods":[{"id":"key","name":"A key"}]}}'
      read l; echo '{"id":1,"error":{"code":-32000,"message":"Authentication required"}}'
      read l; echo '{"id":2,"result":{}}'
      read l; echo '{"id":3,"result":{"sessionId":"s"}}'; cat >/dev/null
      """#
    let refused = connection(script)
    _ = try await run(refused) {
      let description = try await refused.initialize()
      await #expect {
        try await refused.openSession(description)
      } throws: { error in
        (error as? AgentError)?.message.contains("A key (key)") == true
      }
    }
    var configuration = AgentConfiguration(command: ["/bin/sh", "-c", script], workingDirectory: "/")
    configuration.authenticationMethod = "key"
    let allowed = AgentConnection(configuration: configuration, handler: Recorder(), logger: Logger(label: "test"))
    _ = try await run(allowed) {
      let session = try await allowed.openSession(try await allowed.initialize())
      #expect(session == "s")
    }
  }

  @Test func anAgentThatDoesNotAnswerTimesOut() async throws {
    var configuration = AgentConfiguration(command: ["/bin/sh", "-c", "cat >/dev/null"], workingDirectory: "/")
    configuration.startTimeout = .milliseconds(50)
    let agent = AgentConnection(configuration: configuration, handler: Recorder(), logger: Logger(label: "test"))
    _ = try await run(agent) {
      await #expect {
        try await agent.initialize()
      } throws: { error in
        (error as? AgentError)?.code == .timedOut
      }
    }
  }

  @Test func theAgentWorksInItsDirectory() async throws {
    let agent = connection(
      #"read l; echo "{\"id\":0,\"result\":{\"protocolVersion\":1,\"agentInfo\":{\"name\":\"$PWD\"}}}"; cat >/dev/null"#
    )
    _ = try await run(agent) {
      let name = try await agent.initialize().name
      #expect(name == "/")
    }
  }
}
