internal import Basics
import JSONText
public import NIOCore

/// A small agent that always does the same, for trying things out and for tests; an actor.
///
/// It answers every prompt with a plan, a few pieces of text and an edit it pretends to make. Words in the prompt choose
/// what else happens: `permission` makes it ask before the edit, `long` or `long 20` makes a turn of that many seconds
/// that can be cancelled, `crash` ends the agent with status 3, `explain` makes it think aloud, `secret` lets a made-up
/// token slip, `file` has its client change a greeting in the working directory, and `run` has it run a command. By itself it
/// touches no file. `question` makes it ask for a name and a tone, and `page` ask somebody to open a page. It says which
/// attachments it was given. It has two modes, of which `ask` asks before every edit, and options for its tone and for thinking
/// aloud; it tells which commands it knows, what the conversation is about and how much of its memory is used. It knows of one
/// earlier conversation, which can be gone on with.
public actor ExampleAgent {
  /// How fast the agent acts.
  public struct Pace: Sendable {
    /// Between two updates.
    public var step: Duration
    /// Between two ticks of a long turn.
    public var tick: Duration

    /// A pace with the pauses given.
    public init(step: Duration, tick: Duration) {
      self.step = step
      self.tick = tick
    }

    /// Slow enough to be watched.
    public static let watchable = Pace(step: .milliseconds(150), tick: .milliseconds(500))
    /// As fast as possible.
    public static let immediate = Pace(step: .zero, tick: .milliseconds(5))
  }

  let pace: Pace
  private let write: @Sendable (ByteBuffer) -> Void
  private let crash: @Sendable (Int32) -> Void
  private var sessionCount = 0
  private var running: [String: Turn] = [:]
  private var questions: [Int64: CheckedContinuation<JSONText?, Never>] = [:]
  private var nextRequestID: Int64 = 0
  private var turnCount = 0
  private var workingDirectories: [String: String] = [:]
  private var manners: [String: Manner] = [:]
  /// What the client does for the agent.
  private(set) var client = JSONText { _ in }

  /// What is known of a turn while it runs.
  struct Turn {
    let number: Int
    var isCancelled = false
  }

  /// An agent that nobody talks to yet.
  ///
  /// - Parameters:
  ///   - pace: how fast it acts.
  ///   - write: takes the lines it writes, each with its end, in order.
  ///   - crash: ends the process with the status given.
  public init(
    pace: Pace = .watchable, write: @escaping @Sendable (ByteBuffer) -> Void,
    crash: @escaping @Sendable (Int32) -> Void
  ) {
    self.pace = pace
    self.write = write
    self.crash = crash
  }

  /// Takes what the client writes until it ends, and returns when every turn has ended too.
  public func run(_ input: some AsyncSequence<ByteBuffer, any Error> & Sendable) async {
    await withDiscardingTaskGroup { group in
      var framer = LineFramer(maximumBytes: 16 * 1024 * 1024)
      do {
        for try await piece in input {
          for case .complete(let line) in framer.append(piece) { receive(line, in: &group) }
        }
      } catch {
        // An input that breaks is an input that has ended.
      }
      for session in running.keys { running[session]?.isCancelled = true }
      for question in questions.values { question.resume(returning: nil) }
      questions.removeAll()
    }
  }

  private func receive(_ line: ByteBuffer, in group: inout DiscardingTaskGroup) {
    guard let message = try? JSONRPCMessage(line) else { return }
    switch message {
    case .request(let id, "initialize", let params):
      client = params?["clientCapabilities"] ?? client
      answer(id, Self.introduction)
    case .request(let id, "session/new", let params):
      sessionCount += 1
      let sessionID = "example-\(sessionCount)"
      running[sessionID] = nil
      workingDirectories[sessionID] = params?["cwd"]?.string
      answer(id, openedSession(sessionID, isNew: true))
      tellCommands(sessionID)
    case .request(let id, "session/list", let params):
      answer(id, Self.conversations(in: params?["cwd"]?.string ?? "/"))
    case .request(let id, "session/load", let params), .request(let id, "session/resume", let params):
      guard let sessionID = params?["sessionId"]?.string, sessionID.hasPrefix("example-") else {
        return write(JSONRPCLine.error(id: id, code: -32002, message: "Resource not found"))
      }
      workingDirectories[sessionID] = params?["cwd"]?.string
      if case .request(_, "session/load", _) = message, sessionID == Self.earlier { replay() }
      answer(id, openedSession(sessionID, isNew: false))
      tellCommands(sessionID)
    case .request(let id, "session/close", let params):
      if let sessionID = params?["sessionId"]?.string { workingDirectories[sessionID] = nil }
      answer(id, JSONText { _ in })
    case .request(let id, "session/set_mode", let params): answerControl(id, setMode(params))
    case .request(let id, "session/set_config_option", let params): answerControl(id, setOption(params))
    case .request(let id, "session/prompt", let params): prompt(id, params, in: &group)
    case .request(let id, _, _):
      write(JSONRPCLine.error(id: id, code: -32601, message: "Method not found"))
    case .notification("session/cancel", let params, _):
      if let sessionID = params?["sessionId"]?.string { running[sessionID]?.isCancelled = true }
    case .notification: break
    case .response(let id, let result):
      guard let number = id.integer, let question = questions.removeValue(forKey: number) else { return }
      if case .result(let value) = result { question.resume(returning: value) } else { question.resume(returning: nil) }
    }
  }

  private static let introduction = JSONText { result in
    result.add("protocolVersion", AgentDescription.protocolVersion)
    result.add("agentCapabilities") { capabilities in
      capabilities.add("loadSession", true)
      capabilities.add("promptCapabilities") {
        for name in ["image", "audio", "embeddedContext"] { $0.add(name, true) }
      }
      capabilities.add("sessionCapabilities") { session in
        for name in ["list", "resume", "close"] { session.add(name, JSONText { _ in }) }
      }
    }
    result.add("authMethods", JSONText(array: []))
    result.add("agentInfo") {
      $0.add("name", "example-agent")
      $0.add("title", "Example agent")
      $0.add("version", "1")
    }
  }

  private func prompt(_ id: JSONText, _ params: JSONText?, in group: inout DiscardingTaskGroup) {
    guard let sessionID = params?["sessionId"]?.string, let blocks = params?["prompt"]?.elements else {
      return write(JSONRPCLine.error(id: id, code: -32602, message: "Invalid params"))
    }
    guard running[sessionID] == nil else {
      return write(JSONRPCLine.error(id: id, code: -32603, message: "A turn is already running"))
    }
    let text = blocks.compactMap { $0["text"]?.string }.joined(separator: "\n")
    turnCount += 1
    running[sessionID] = Turn(number: turnCount)
    group.addTask {
      let stopReason = await self.runTurn(text, with: Self.attachments(blocks), sessionID: sessionID)
      await self.finish(id, sessionID, stopReason)
    }
  }

  private func finish(_ id: JSONText, _ sessionID: String, _ stopReason: AgentStopReason) {
    running[sessionID] = nil
    answer(id, JSONText { $0.add("stopReason", stopReason.rawValue) })
  }

  private func answer(_ id: JSONText, _ result: JSONText) {
    write(JSONRPCLine.result(id: id, result))
  }

  private func answerControl(_ id: JSONText, _ result: JSONText?) {
    guard let result else { return write(JSONRPCLine.error(id: id, code: -32602, message: "Invalid params")) }
    answer(id, result)
  }

  // MARK: - What a turn uses

  /// How the agent works in a session.
  func manner(_ sessionID: String) -> Manner { manners[sessionID] ?? Manner() }

  func change(_ sessionID: String, _ change: (inout Manner) -> Void) {
    change(&manners[sessionID, default: Manner()])
  }

  /// Where a session works.
  func workingDirectory(_ sessionID: String) -> String? { workingDirectories[sessionID] }

  func turnNumber(_ sessionID: String) -> Int { running[sessionID]?.number ?? 0 }

  func isCancelled(_ sessionID: String) -> Bool { running[sessionID]?.isCancelled ?? true }

  func send(_ sessionID: String, _ kind: String, _ fields: (inout JSONObjectWriter) -> Void) {
    let params = JSONText { params in
      params.add("sessionId", sessionID)
      params.add("update") {
        $0.add("sessionUpdate", kind)
        fields(&$0)
      }
    }
    write(JSONRPCLine.notification(method: "session/update", params: params))
  }

  /// Asks the client and waits for its answer; nil when there is none.
  func ask(_ method: String, _ params: JSONText) async -> JSONText? {
    let id = nextRequestID
    nextRequestID += 1
    return await withCheckedContinuation { continuation in
      questions[id] = continuation
      write(JSONRPCLine.request(id: id, method: method, params: params))
    }
  }

  func end(withStatus status: Int32) {
    crash(status)
  }
}
