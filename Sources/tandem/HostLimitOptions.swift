import AgentBridge
import AgentClientProtocol
import ArgumentParser

/// What `tandem host` keeps for the agent and how long it waits for it, at most.
///
/// Isolation: an immutable value once parsed.
struct HostLimitOptions: ParsableArguments {
  @Option(help: ArgumentHelp("How long the agent may take to start, 1s to 1h.", valueName: "time"))
  var agentStart = TimeArgument(.seconds(120))

  @Option(
    help: ArgumentHelp(
      "How long the agent may take to end a turn that was stopped, before it is ended itself, 1s to 1h.",
      valueName: "time"))
  var agentCancel = TimeArgument(.seconds(30))

  @Option(
    help: ArgumentHelp("Longest line of the agent, 64KiB to 1GiB; a longer one is skipped.", valueName: "bytes"))
  var agentLine = BytesArgument(16 << 20)

  @Option(
    help: ArgumentHelp(
      "Bytes that wait for an agent that does not read, 64KiB to 1GiB; beyond it the agent is ended.",
      valueName: "bytes"))
  var agentUnread = BytesArgument(16 << 20)

  @Option(
    help: ArgumentHelp(
      "Questions of the agent, and requests for files and terminals, that are open at once, 1 to 1000 of each; a further "
        + "one is refused.", valueName: "number"))
  var agentQuestions = 64

  @Option(
    help: ArgumentHelp(
      "How long such a question waits for word of its answer before a node is asked for it, 1s to 1h.",
      valueName: "time"))
  var answerCheck = TimeArgument(.seconds(15))

  @Option(
    help: ArgumentHelp(
      "Updates that wait to be published, 1 to 100000; while so many wait, the agent is not read.", valueName: "number")
  )
  var waitingUpdates = 2_000

  @Option(help: ArgumentHelp("Bytes of those updates, 64KiB to 1GiB.", valueName: "bytes"))
  var waitingBytes = BytesArgument(4 << 20)

  @Option(
    help: ArgumentHelp(
      "Largest update, 64KiB to 64MiB; the texts in a larger one are shortened. Keep it below `limits.notification` of the nodes.",
      valueName: "bytes"))
  var updateBytes = BytesArgument(2 << 20)

  @Option(
    help: ArgumentHelp(
      "Updates of an earlier conversation that are shown, the last ones, 1 to 100000.", valueName: "number"))
  var historyUpdates = 2_000

  @Option(help: ArgumentHelp("Bytes of those updates, 64KiB to 1GiB.", valueName: "bytes"))
  var historyBytes = BytesArgument(8 << 20)

  @Option(
    help: ArgumentHelp(
      "Largest file that is read or written for the agent, 64KiB to 1GiB.", valueName: "bytes"))
  var fileBytes = BytesArgument(10 << 20)

  @Option(
    help: ArgumentHelp(
      "Terminals of the agent that are open at once, 1 to 1000; a further one is refused.", valueName: "number"))
  var openTerminals = 16

  @Option(
    help: ArgumentHelp(
      "Bytes of a command's output that are kept for the agent, the last ones, 64KiB to 1GiB.", valueName: "bytes"))
  var terminalBytes = BytesArgument(1 << 20)

  @Option(
    help: ArgumentHelp(
      "Largest event that is read, 64KiB to 1GiB; a larger one is passed over, and you are told.", valueName: "bytes"))
  var eventBytes = BytesArgument(BridgeConfiguration.defaultEventBytes)

  @Option(
    help: ArgumentHelp(
      "How long a server may be silent before its connection counts as lost, 1s to 1h. Keep it above `stream.heartbeat` "
        + "and below `dispatch.lease` of the nodes.", valueName: "time"))
  var readTimeout = TimeArgument(BridgeConfiguration.defaultReadTimeout)

  @Option(
    help: ArgumentHelp(
      "Rows of a tool call that the terminal shows at first, 10 to 100000; what is left out is said and can be asked for.",
      valueName: "number"))
  var questionRows = ToolCallText.defaultRows

  func validate() throws {
    for (name, value) in [
      ("--agent-start", agentStart), ("--agent-cancel", agentCancel), ("--answer-check", answerCheck),
      ("--read-timeout", readTimeout),
    ]
    where !(Duration.seconds(1)...Duration.seconds(3_600)).contains(value.duration) {
      throw ValidationError("\(name) takes a time from 1s to 1h, such as 30s.")
    }
    for (name, value, most) in [
      ("--agent-line", agentLine, 1 << 30), ("--agent-unread", agentUnread, 1 << 30),
      ("--waiting-bytes", waitingBytes, 1 << 30), ("--update-bytes", updateBytes, 64 << 20),
      ("--event-bytes", eventBytes, 1 << 30), ("--history-bytes", historyBytes, 1 << 30),
      ("--file-bytes", fileBytes, 1 << 30), ("--terminal-bytes", terminalBytes, 1 << 30),
    ] where !((64 << 10)...most).contains(value.count) {
      throw ValidationError(
        "\(name) takes a number of bytes from 64KiB to \(ByteCountText.format(most)), such as 4MiB.")
    }
    guard (1...1_000).contains(agentQuestions) else {
      throw ValidationError("--agent-questions takes a number from 1 to 1000.")
    }
    guard (1...100_000).contains(waitingUpdates) else {
      throw ValidationError("--waiting-updates takes a number from 1 to 100000.")
    }
    guard (1...1_000).contains(openTerminals) else {
      throw ValidationError("--open-terminals takes a number from 1 to 1000.")
    }
    guard (1...100_000).contains(historyUpdates) else {
      throw ValidationError("--history-updates takes a number from 1 to 100000.")
    }
    guard (10...100_000).contains(questionRows) else {
      throw ValidationError("--question-rows takes a number from 10 to 100000.")
    }
  }

  /// Puts the bounds where they are kept to.
  func apply(to configuration: inout BridgeConfiguration) {
    apply(to: &configuration.agent)
    configuration.cancelTimeout = agentCancel.duration
    configuration.permissionInterval = answerCheck.duration
    configuration.waitingUpdates = waitingUpdates
    configuration.waitingBytes = waitingBytes.count
    configuration.updateBytes = updateBytes.count
    configuration.eventBytes = eventBytes.count
    configuration.fileBytes = fileBytes.count
    configuration.terminalBytes = terminalBytes.count
    configuration.openTerminals = openTerminals
  }
}

extension HostLimitOptions {
  /// Puts the bounds of the agent where they are kept to.
  func apply(to agent: inout AgentConfiguration) {
    agent.startTimeout = agentStart.duration
    agent.limits.lineBytes = agentLine.count
    agent.limits.outgoingBytes = agentUnread.count
    agent.limits.openPermissions = agentQuestions
    agent.limits.openRequests = agentQuestions
    agent.limits.replayedUpdates = historyUpdates
    agent.limits.replayedBytes = historyBytes.count
  }
}

/// A time on the command line, such as `30s`; an immutable value.
struct TimeArgument: ExpressibleByArgument {
  let duration: Duration
  var defaultValueDescription: String { DurationText.format(duration) }

  init(_ duration: Duration) {
    self.duration = duration
  }

  init?(argument: String) {
    guard let duration = DurationText.parse(argument) else { return nil }
    self.init(duration)
  }
}

/// A number of bytes on the command line, such as `4MiB`; an immutable value.
struct BytesArgument: ExpressibleByArgument {
  let count: Int
  var defaultValueDescription: String { ByteCountText.format(count) }

  init(_ count: Int) {
    self.count = count
  }

  init?(argument: String) {
    guard let count = ByteCountText.parse(argument) else { return nil }
    self.init(count)
  }
}
