import JSONText
import NIOCore
import Synchronization
import Testing

@testable import AgentClientProtocol

/// The built-in agent, talked to without a process.
struct ExampleAgentTests {
  /// The client's end: what was written so far, and waiting for a line.
  private final class Client: Sendable {
    let lines = Mutex<[String]>([])
    let crashes = Mutex<[Int32]>([])
    let input: AsyncThrowingStream<ByteBuffer, any Error>
    private let writer: AsyncThrowingStream<ByteBuffer, any Error>.Continuation
    private let (arrivals, arrival) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    init() {
      (input, writer) = AsyncThrowingStream.makeStream()
    }

    func agent(_ pace: ExampleAgent.Pace = .immediate) -> ExampleAgent {
      ExampleAgent(
        pace: pace,
        write: { line in
          self.lines.withLock { $0.append(String(String(buffer: line).dropLast())) }
          self.arrival.yield()
        }, crash: { status in self.crashes.withLock { $0.append(status) } })
    }

    func send(_ line: String) { writer.yield(ByteBuffer(string: line + "\n")) }
    func end() { writer.finish() }

    /// Waits for a line that holds all of these.
    func wait(for parts: String...) async {
      var iterator = arrivals.makeAsyncIterator()
      while !lines.withLock({ lines in lines.contains { line in parts.allSatisfy { line.contains($0) } } }) {
        await iterator.next()
      }
    }

    func open() {
      send(#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":1}}"#)
      send(#"{"jsonrpc":"2.0","id":1,"method":"session/new","params":{"cwd":"/","mcpServers":[]}}"#)
    }

    func prompt(_ text: String, id: Int = 2) {
      send(
        #"{"jsonrpc":"2.0","id":\#(id),"method":"session/prompt","params":{"sessionId":"example-1","prompt":[{"type":"text","text":"\#(text)"}]}}"#
      )
    }

    var kinds: [String] {
      lines.withLock { $0 }.compactMap { try? JSONText(validating: $0) }.compactMap { text in
        text["params"]?["update"]?["sessionUpdate"]?.string ?? text["method"]?.string
          ?? text["result"]?["stopReason"]?.string
      }
    }
  }

  @Test(.timeLimit(.minutes(1))) func aPlainTurn() async {
    let client = Client()
    client.open()
    client.prompt("rename foo")
    async let run: Void = client.agent().run(client.input)
    await client.wait(for: "stopReason")
    client.end()
    await run
    #expect(
      client.kinds == [
        "available_commands_update", "agent_message_chunk", "agent_message_chunk", "session_info_update", "plan",
        "tool_call",
        "tool_call_update", "plan", "agent_message_chunk", "agent_message_chunk", "usage_update", "end_turn",
      ])
    #expect(client.lines.withLock { $0.contains { $0.contains(#""text":"rename foo""#) } })
    #expect(client.lines.withLock { $0.contains { $0.contains(#""type":"diff""#) } })
    // Every line is what a client accepts.
    for line in client.lines.withLock({ $0 }) {
      #expect(throws: Never.self) { try JSONRPCMessage(ByteBuffer(string: line)) }
    }
  }

  @Test(
    .timeLimit(.minutes(1)),
    arguments: [
      (#"{"outcome":"selected","optionId":"allow"}"#, "completed", "end_turn"),
      (#"{"outcome":"selected","optionId":"reject"}"#, "failed", "end_turn"),
      (#"{"outcome":"cancelled"}"#, "pending", "cancelled"),
    ])
  func permission(_ outcome: String, _ status: String, _ stopReason: String) async {
    let client = Client()
    client.open()
    client.prompt("with permission please")
    async let run: Void = client.agent().run(client.input)
    await client.wait(for: "session/request_permission", "allow_once", "reject_once")
    client.send(#"{"jsonrpc":"2.0","id":0,"result":{"outcome":\#(outcome)}}"#)
    await client.wait(for: "stopReason")
    client.end()
    await run
    #expect(client.kinds.last == stopReason)
    let last = client.lines.withLock { $0.last { $0.contains("tool_call") && $0.contains("status") } }
    #expect(last?.contains(#""status":"\#(status)""#) == true)
  }

  @Test(.timeLimit(.minutes(1))) func aLongTurnCanBeCancelled() async {
    let client = Client()
    client.open()
    client.prompt("long 3600")
    async let run: Void = client.agent().run(client.input)
    await client.wait(for: "tick 3")
    client.prompt("another", id: 3)
    await client.wait(for: #""id":3"#, "A turn is already running")
    client.send(#"{"jsonrpc":"2.0","method":"session/cancel","params":{"sessionId":"example-1"}}"#)
    await client.wait(for: #""id":2"#, #""stopReason":"cancelled""#)
    client.end()
    await run
  }

  @Test(.timeLimit(.minutes(1))) func aLongTurnEndsByItself() async {
    let client = Client()
    client.open()
    client.prompt("long 1")
    async let run: Void = client.agent(.init(step: .zero, tick: .milliseconds(250))).run(client.input)
    await client.wait(for: "stopReason", "end_turn")
    client.end()
    await run
    #expect(client.lines.withLock { $0.filter { $0.contains("tick ") }.count } == 4)
  }

  @Test(.timeLimit(.minutes(1))) func theEndOfTheInputEndsATurn() async {
    let client = Client()
    client.open()
    client.prompt("permission")
    async let run: Void = client.agent().run(client.input)
    await client.wait(for: "session/request_permission")
    client.end()
    await run
    #expect(client.kinds.last == "cancelled")
  }

  @Test(.timeLimit(.minutes(1))) func crashing() async {
    let client = Client()
    client.open()
    client.prompt("please crash")
    async let run: Void = client.agent().run(client.input)
    await client.wait(for: "stopReason")
    client.end()
    await run
    #expect(client.crashes.withLock { $0 } == [3])
  }

  @Test(.timeLimit(.minutes(1))) func whatItDoesNotKnowIsRefused() async {
    let client = Client()
    client.send(#"{"jsonrpc":"2.0","id":9,"method":"session/fork","params":{}}"#)
    client.send("rubbish")
    client.prompt("", id: 10)
    client.send(#"{"jsonrpc":"2.0","id":11,"method":"session/prompt","params":{}}"#)
    client.end()
    await client.agent().run(client.input)
    #expect(client.lines.withLock { $0.contains { $0.contains(#""id":9"#) && $0.contains("-32601") } })
    #expect(client.lines.withLock { $0.contains { $0.contains(#""id":11"#) && $0.contains("-32602") } })
  }

  @Test(.timeLimit(.minutes(1))) func anEarlierConversation() async {
    let client = Client()
    client.send(#"{"jsonrpc":"2.0","id":1,"method":"session/list","params":{"cwd":"/w"}}"#)
    client.send(
      #"{"jsonrpc":"2.0","id":2,"method":"session/load","params":{"sessionId":"example-earlier","cwd":"/w","mcpServers":[]}}"#
    )
    client.send(#"{"jsonrpc":"2.0","id":3,"method":"session/resume","params":{"sessionId":"unknown"}}"#)
    client.send(#"{"jsonrpc":"2.0","id":4,"method":"session/close","params":{"sessionId":"example-earlier"}}"#)
    client.end()
    await client.agent().run(client.input)
    #expect(client.kinds == ["user_message_chunk", "agent_message_chunk", "available_commands_update"])
    let lines = client.lines.withLock { $0 }
    #expect(lines.first?.contains(#""sessionId":"example-earlier","cwd":"/w""#) == true)
    #expect(lines[3].contains(#""id":2,"result":{"modes":{"currentModeId":"code","#))
    #expect(lines[5].contains("-32002") && lines[6].contains(#""id":4,"result":{}"#))
  }

  @Test(.timeLimit(.minutes(1))) func itsClientChangesAFileAndRunsACommand() async {
    let client = Client()
    client.send(
      #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":1,"clientCapabilities":{"fs":{"writeTextFile":true},"terminal":true}}}"#
    )
    client.send(#"{"jsonrpc":"2.0","id":1,"method":"session/new","params":{"cwd":"/w","mcpServers":[]}}"#)
    client.prompt("explain, change the file and run it")
    async let run: Void = client.agent().run(client.input)
    await client.wait(for: "fs/read_text_file", "/w/greeting.txt")
    client.send(#"{"jsonrpc":"2.0","id":0,"result":{"content":"Hi\n"}}"#)
    await client.wait(for: "fs/write_text_file", "Hi, world")
    client.send(#"{"jsonrpc":"2.0","id":1,"result":{}}"#)
    await client.wait(for: "terminal/create", "echo")
    client.send(#"{"jsonrpc":"2.0","id":2,"result":{"terminalId":"t"}}"#)
    await client.wait(for: "terminal/wait_for_exit")
    client.send(#"{"jsonrpc":"2.0","id":3,"result":{"exitCode":0}}"#)
    await client.wait(for: "terminal/output")
    client.send(#"{"jsonrpc":"2.0","id":4,"result":{"output":"Hello, world\n","truncated":false}}"#)
    await client.wait(for: "terminal/release")
    client.send(#"{"jsonrpc":"2.0","id":5,"result":{}}"#)
    await client.wait(for: "stopReason")
    client.end()
    await run
    #expect(client.kinds.contains("agent_thought_chunk"))
    #expect(client.lines.withLock { $0.contains { $0.contains("The command has printed: Hello, world") } })
  }
}
