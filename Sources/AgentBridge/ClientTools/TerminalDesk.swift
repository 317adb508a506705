import AgentClientProtocol
import JSONText
import Logging

/// The terminals an agent runs commands in; an actor.
///
/// What they print goes to the agent when it asks, and to everybody as updates of a tool call: not more often than
/// `interval`, and only the end of it. All of it ends with the turn.
actor TerminalDesk {
  /// What is kept at most.
  struct Limits: Sendable {
    /// Terminals that the agent hasn't released.
    var terminals = 16
    /// Bytes of a terminal's output that are kept for the agent.
    var outputBytes = 1024 * 1024
    /// Bytes of its end that the others see.
    var shownBytes = 4 * 1024

    init() {}
  }

  private struct Terminal {
    let sessionID: String
    let title: String
    let process: TerminalProcess
    var output: OutputTail
    var shown: OutputTail
    var stream: SecretStream
    var hasNews = false
    var exit: AgentExit?
    var isOver = false
    /// Everybody knows that it is over.
    var isSettled = false
    /// The agent no longer knows of it.
    var isReleased = false
    var waiters: [CheckedContinuation<Void, Never>] = []
  }

  private let environment: [String: String]
  private let workingDirectory: String
  private let limits: Limits
  private let interval: Duration
  private let secrets: SecretPatterns
  private let publish: @Sendable (AgentNotification) async -> Void
  private var terminals: [String: Terminal] = [:]
  private var count = 0
  private var isStopped = false
  private let starts: AsyncStream<String>
  private let start: AsyncStream<String>.Continuation

  /// - Parameters:
  ///   - interval: between two updates about one terminal.
  ///   - secrets: what the others don't see.
  ///   - publish: takes the updates.
  init(
    environment: [String: String], workingDirectory: String, limits: Limits = Limits(),
    interval: Duration = .milliseconds(500), secrets: SecretPatterns,
    publish: @escaping @Sendable (AgentNotification) async -> Void
  ) {
    self.environment = environment
    self.workingDirectory = workingDirectory
    self.limits = limits
    self.interval = interval
    self.secrets = secrets
    self.publish = publish
    (starts, start) = AsyncStream.makeStream()
  }

  /// Runs the commands until the task is cancelled; then none is left.
  func run() async {
    await withDiscardingTaskGroup { group in
      for await id in starts { group.addTask { await self.runCommand(id) } }
      isStopped = true
      for terminal in terminals.values { terminal.process.kill() }
    }
    for id in Array(terminals.keys) { settle(id) }
  }

  /// Ends every command: the turn it belongs to is over.
  func endTurn() async {
    for id in Array(terminals.keys) {
      terminals[id]?.process.kill()
      await waitUntilSettled(id)
      terminals[id] = nil
    }
  }

  // MARK: - The protocol's methods

  func use(_ request: AgentToolRequest) async -> AgentToolAnswer {
    if request.method == "terminal/create" { return create(request) }
    guard let id = request.params["terminalId"]?.string, let terminal = terminals[id], !terminal.isReleased,
      terminal.sessionID == request.sessionID
    else { return .invalid("There is no such terminal.") }
    switch request.method {
    case "terminal/output":
      return .result(
        JSONText { result in
          result.add("output", terminal.output.text)
          result.add("truncated", terminal.output.isTruncated)
          if terminal.isOver { result.add("exitStatus") { Self.add(terminal.exit, to: &$0) } }
        })
    case "terminal/wait_for_exit":
      await waitUntilSettled(id)
      let exit = terminals[id]?.exit
      return .result(JSONText { Self.add(exit, to: &$0) })
    case "terminal/kill":
      terminal.process.kill()
      return .result(JSONText { _ in })
    case "terminal/release":
      terminal.process.kill()
      if terminal.isSettled { terminals[id] = nil } else { terminals[id]?.isReleased = true }
      return .result(JSONText { _ in })
    default: return .methodNotFound
    }
  }

  private func create(_ request: AgentToolRequest) -> AgentToolAnswer {
    guard let command = request.params["command"]?.string, !command.isEmpty else {
      return .invalid("A terminal needs a command.")
    }
    guard !isStopped, terminals.count < limits.terminals else {
      return .error(code: -32603, message: "Too many terminals are open: release some.")
    }
    let directory = request.params["cwd"]?.string ?? workingDirectory
    guard directory.hasPrefix("/") else { return .invalid("cwd must be an absolute path.") }
    let arguments = request.params["args"]?.elements.compactMap(\.string) ?? []
    var variables = environment
    for entry in request.params["env"]?.elements ?? [] {
      if let name = entry["name"]?.string, let value = entry["value"]?.string { variables[name] = value }
    }
    let asked = Int(clamping: request.params["outputByteLimit"]?.integer ?? Int64(limits.outputBytes))
    count += 1
    let id = "terminal-\(count)"
    let process = TerminalProcess(
      command: [command] + arguments, environment: variables, workingDirectory: directory)
    terminals[id] = Terminal(
      sessionID: request.sessionID, title: ([command] + arguments).joined(separator: " "), process: process,
      output: OutputTail(limit: min(max(asked, 0), limits.outputBytes)), shown: OutputTail(limit: limits.shownBytes),
      stream: SecretStream(secrets))
    start.yield(id)
    return .result(JSONText { $0.add("terminalId", id) })
  }

  private static func add(_ exit: AgentExit?, to object: inout JSONObjectWriter) {
    switch exit {
    case .exited(let status): object.add("exitCode", Int64(status))
    case .signaled(let signal): object.add("signal", String(signal))
    case nil: object.add("exitCode", Int64(127))
    }
  }

  // MARK: - A command's life

  private func runCommand(_ id: String) async {
    guard let process = terminals[id]?.process else { return }
    await publish(id, isNew: true)
    await withDiscardingTaskGroup { group in
      group.addTask { [interval] in
        while (try? await Task.sleep(for: interval)) != nil { await self.publishNews(of: id) }
      }
      do {
        let exit = try await process.run { await self.printed($0, by: id) }
        ended(id, exit, nil)
      } catch {
        ended(id, nil, "\(error)")
      }
      group.cancelAll()
    }
    await publish(id, isNew: false)
    settle(id)
  }

  private func printed(_ bytes: [UInt8], by id: String) {
    guard var terminal = terminals.removeValue(forKey: id) else { return }
    terminal.output.append(bytes)
    terminal.shown.append(terminal.stream.append(bytes))
    terminal.hasNews = true
    terminals[id] = terminal
  }

  private func ended(_ id: String, _ exit: AgentExit?, _ failure: String?) {
    guard var terminal = terminals.removeValue(forKey: id) else { return }
    terminal.shown.append(terminal.stream.finish())
    if let failure {
      terminal.output.append(Array(failure.utf8))
      terminal.shown.append(Array(failure.utf8))
    }
    (terminal.exit, terminal.isOver) = (exit, true)
    terminals[id] = terminal
  }

  private func settle(_ id: String) {
    let waiters = terminals[id]?.waiters ?? []
    terminals[id]?.waiters = []
    terminals[id]?.isSettled = true
    if terminals[id]?.isReleased == true { terminals[id] = nil }
    for waiter in waiters { waiter.resume() }
  }

  /// Returns when a command has ended and everybody knows.
  private func waitUntilSettled(_ id: String) async {
    await withCheckedContinuation { continuation in
      if terminals[id]?.isSettled == false, !(isStopped && terminals[id]?.isOver == true) {
        terminals[id]?.waiters.append(continuation)
      } else {
        continuation.resume()
      }
    }
  }

  private func publishNews(of id: String) async {
    if terminals[id]?.hasNews == true, terminals[id]?.isOver == false { await publish(id, isNew: false) }
  }

  private func publish(_ id: String, isNew: Bool) async {
    terminals[id]?.hasNews = false
    guard let terminal = terminals[id] else { return }
    let status =
      switch terminal.exit {
      case .exited(status: 0): "completed"
      case nil where !terminal.isOver: "in_progress"
      default: "failed"
      }
    let update = JSONText { message in
      message.add("jsonrpc", "2.0")
      message.add("method", "session/update")
      message.add("params") { params in
        params.add("sessionId", terminal.sessionID)
        params.add("update") { update in
          update.add("sessionUpdate", isNew ? "tool_call" : "tool_call_update")
          update.add("toolCallId", id)
          if isNew {
            update.add("title", String(terminal.title.prefix(300)))
            update.add("kind", "execute")
            update.add("rawInput") { $0.add("command", terminal.title) }
          } else {
            let beginning = terminal.shown.isTruncated ? "[...]\n" : ""
            update.add("content", JSONText(array: [Self.content(beginning + terminal.shown.text)]))
          }
          update.add("status", status)
          update.add("_meta") { $0.add("tandem") { $0.add("terminalId", id) } }
        }
      }
    }
    if let notification = AgentNotification(update) { await publish(notification) }
  }

  private static func content(_ text: String) -> JSONText {
    JSONText {
      $0.add("type", "content")
      $0.add("content") {
        $0.add("type", "text")
        $0.add("text", text)
      }
    }
  }
}
