import AgentBridge
import AgentClientProtocol
import ArgumentParser
import AsyncHTTPClient
import Basics
import Foundation
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// `tandem host`: shares an agent that runs on this machine.
struct HostCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "host",
    abstract: "Share an agent: others watch, comment and propose prompts, you decide which of them run.",
    usage: "tandem host [OPTIONS] -- AGENT [ARG...]",
    discussion: """
      Starts AGENT, any program that speaks the Agent Client Protocol on standard input and output, opens a shared session \
      for it and prints the link that invites others. In a terminal every proposal and every question of \
      the agent gets a number of its own: `a p3` approves proposal p3, `r p3` rejects it, `q4 2` answers question q4 with \
      its answer 2, `q4` shows it once more, `q4 all` with everything that was too long, and `?` lists what waits. \
      Ctrl-C ends the session and the agent.
      """)

  @Option(
    name: .long, parsing: .singleValue,
    help: ArgumentHelp(
      "A server to share on; repeat it, or separate with commas, for several of one installation. Default: "
        + "TANDEM_SERVER from the environment, else http://127.0.0.1:8080.", valueName: "url"))
  var server: [String] = []

  @Option(help: "view_only, comment_only, prompt_with_approval or prompt_direct. Default: prompt_with_approval.")
  var mode: SharingMode?

  @Option(help: "What viewers see: all, or reduced, without the agent's thoughts and its tools' raw input and output.")
  var viewerUpdates: SharedUpdates?

  @Flag(
    help:
      "Show the agent's work as viewers see it, instead of as you see it. A viewer of your name takes part for that.")
  var previewViewers = false

  @Option(help: ArgumentHelp("End the session after this many minutes.", valueName: "minutes"))
  var expires: Int?

  @Option(help: "Your name as others see it.")
  var name: String?

  @Option(help: "Your user id. Default: your name on this machine.")
  var user: String?

  @Option(help: "The workspace the session is listed under.")
  var workspace: String?

  @Option(help: ArgumentHelp("The directory the agent works in. Default: this one.", valueName: "directory"))
  var cwd: String?

  @Option(
    help: ArgumentHelp(
      "What the agent is told when it asks for permission: allow, reject, or ask, which waits for an answer of you or "
        + "whoever you let decide, in the session or in this terminal.",
      valueName: "ask|allow|reject"))
  var permissions = PermissionAnswer.ask

  @Option(
    help: ArgumentHelp(
      "Kinds of updates to keep to yourself, separated by commas: thoughts, plans, tools, commands, usage, or any "
        + "kind of the protocol.", valueName: "kinds"))
  var hide: String?

  @Option(
    defaultAsFlag: FileAccess.ask,
    help: ArgumentHelp(
      "Read and write files for the agent, inside its working directory only; each write asks like the agent does, unless "
        + "`--files allow` is given. Several agents ask and report only then.", valueName: "ask|allow"))
  var files: FileAccess?

  @Flag(help: "Run commands for the agent, and show what they print. They end with their turn.")
  var terminals = false

  @OptionGroup var redaction: HostRedactionOptions

  @OptionGroup(title: "What is already there") var conversation: HostConversationOptions

  @OptionGroup(title: "After a loss") var resumption: HostResumeOptions

  @OptionGroup var key: HostKeyOptions

  @Option(help: ArgumentHelp("How to sign in to the agent, when it asks for it.", valueName: "method"))
  var signIn: String?

  @Flag(help: "Print one JSON object a line: what is shared, then every event. Nothing is read.")
  var json = false

  @Option(
    help: ArgumentHelp("What is logged on standard error: trace, debug, info, warning, error.", valueName: "level"))
  var logLevel = "warning"

  @OptionGroup(title: "The agent's environment") var environment: HostEnvironmentOptions

  @OptionGroup(title: "Limits") var limits: HostLimitOptions

  @Argument(parsing: .postTerminator, help: "The agent and its arguments.")
  var agent: [String] = []

  func validate() throws {
    guard !agent.isEmpty else {
      throw ValidationError("Name the agent behind two dashes: tandem host -- AGENT [ARG...]")
    }
    _ = try servers()
    _ = try environment.environment(inherited: ProcessInfo.processInfo.environment)
    guard Logger.Level(rawValue: logLevel) != nil else {
      throw ValidationError("--log-level takes trace, debug, info, notice, warning, error or critical.")
    }
    if resumption.resume, mode != nil || expires != nil || workspace != nil || viewerUpdates != nil {
      throw ValidationError(
        "--resume goes on with a session as it is: give neither --mode, --expires, --workspace nor --viewer-updates.")
    }
    if let expires, expires <= 0 { throw ValidationError("--expires takes a number of minutes above 0.") }
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory), isDirectory.boolValue else {
      throw ValidationError("\(directory) is no directory.")
    }
  }

  func run() async throws {
    if let task = conversation.task { return try await askAgent(task) }
    let http = HTTPClient(
      eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
      configuration: Self.httpConfiguration(readTimeout: limits.readTimeout.duration))
    var logger = Logger(label: "tandem.host") { VisibleLogHandler(StreamLogHandler.standardError(label: $0)) }
    logger.logLevel = Logger.Level(rawValue: logLevel) ?? .warning
    let status = await share(http, logger)
    try? await http.shutdown()
    if let status { throw status }
  }

  /// Shares until the end; nil when all went well.
  private func share(_ http: HTTPClient, _ logger: Logger) async -> ExitCode? {
    do {
      let terminal = HostTerminal(
        isInteractive: !json, rows: limits.questionRows, previewsViewers: previewViewers)
      let observer: any HostObserver = json ? JSONLinesObserver { HostTerminal.write("\($0)\n") } : terminal.observer
      let bridge = HostBridge(configuration: try bridgeConfiguration(), observer: observer, http: http, logger: logger)
      let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(
          services: [.init(service: bridge, successTerminationBehavior: .gracefullyShutdownGroup)],
          gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
      try await withThrowingDiscardingTaskGroup { tasks in
        tasks.addTask { await terminal.readLines() }
        defer { tasks.cancelAll() }
        try await group.run()
      }
      return nil
    } catch {
      StandardError.write("tandem host: \(VisibleText.show("\(error)"))")
      return (error as? BridgeError)?.code == .unreachable ? ExitStatus.unavailable : .failure
    }
  }

  /// How a bridge talks to nodes.
  ///
  /// - Parameter readTimeout: a stream that is silent for longer is dead. Longer than the nodes' heartbeat, and shorter
  ///   than `dispatch.lease`, so that the loss is noticed before a running prompt is given up.
  static func httpConfiguration(readTimeout: Duration) -> HTTPClient.Configuration {
    var configuration = HTTPClient.Configuration()
    configuration.timeout.connect = .seconds(5)
    // Nodes don't redirect, and the host's credentials go to nobody else.
    configuration.redirectConfiguration = .disallow
    configuration.timeout.read = TimeAmount(readTimeout)
    // The bridge has its own way of trying again: on the next node.
    configuration.connectionPool.retryConnectionEstablishment = false
    return configuration
  }

  /// Asks the agent something and ends; nothing is shared.
  private func askAgent(_ task: HostConversationOptions.Task) async throws {
    var logger = Logger(label: "tandem.host") { VisibleLogHandler(StreamLogHandler.standardError(label: $0)) }
    logger.logLevel = Logger.Level(rawValue: logLevel) ?? .warning
    var configuration = try agentConfiguration()
    limits.apply(to: &configuration)
    do {
      try await AgentErrand(task: task, asJSON: json).run(configuration, logger)
    } catch {
      StandardError.write("tandem host: \(VisibleText.show("\(error)"))")
      throw ExitCode.failure
    }
  }

  private func agentConfiguration() throws -> AgentConfiguration {
    var command = agent
    // The example agent is this very program, wherever it lies.
    if command[0] == "tandem", let path = Bundle.main.executablePath { command[0] = path }
    var agent = AgentConfiguration(command: command, workingDirectory: directory)
    agent.clientVersion = Build.version
    agent.authenticationMethod = signIn
    agent.environment = try environment.environment(inherited: ProcessInfo.processInfo.environment)
    agent.mcpServers = try conversation.servers()
    agent.additionalDirectories = conversation.directories(from: directory)
    return agent
  }

  private func bridgeConfiguration() throws -> BridgeConfiguration {
    let agent = try agentConfiguration()
    let variables = ProcessInfo.processInfo.environment
    let journal = try resumption.journal(directory: directory, servers: try servers(), environment: variables)
    let isNamed = !server.isEmpty || variables["TANDEM_SERVER"] != nil
    let nodes = try isNamed ? servers() : journal?.record.servers ?? servers()
    var configuration = BridgeConfiguration(servers: nodes, agent: agent, userID: user ?? Self.userName)
    configuration.journal = journal
    configuration.displayName = name
    configuration.workspaceID = workspace
    configuration.mode = mode?.rawValue
    configuration.viewerUpdates = viewerUpdates?.rawValue
    configuration.previewsViewers = previewViewers
    configuration.expiresInMinutes = expires
    configuration.permissions = permissions.policy
    configuration.conversation = conversation.choice
    configuration.files = files?.files ?? .none
    configuration.offersTerminals = terminals
    configuration.filter = UpdateFilter(hiding: hide.map(Self.list) ?? [])
    limits.apply(to: &configuration)
    configuration.apiKey = try key.key(environment: ProcessInfo.processInfo.environment)
    configuration.secrets = try redaction.patterns(
      variables: ProcessInfo.processInfo.environment.merging(agent.environment.variables) { $1 },
      apiKey: configuration.apiKey)
    for server in agent.mcpServers { configuration.secrets.addValues(of: server.values) }
    return configuration
  }

  private static var userName: String {
    let name = NSUserName()
    return name.isEmpty ? "host" : name
  }

  private var directory: String {
    URL(fileURLWithPath: cwd ?? FileManager.default.currentDirectoryPath).standardizedFileURL.path
  }

  private func servers() throws -> [String] {
    let given = server.isEmpty ? ProcessInfo.processInfo.environment["TANDEM_SERVER"].map { [$0] } ?? [] : server
    let bases = given.flatMap(Self.list).map { base in
      String(base.reversed().drop { $0 == "/" }.reversed())
    }
    for base in bases {
      guard let url = URLComponents(string: base), ["http", "https"].contains(url.scheme), url.host?.isEmpty == false,
        url.query == nil, url.fragment == nil
      else { throw ValidationError("--server takes a URL like http://127.0.0.1:8080, not \(base).") }
    }
    return bases.isEmpty ? ["http://127.0.0.1:8080"] : bases
  }

  private static func list(_ text: String) -> [String] {
    text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }
}

/// The terminal this program was started in; an immutable value.
private struct HostTerminal {
  let observer: TerminalObserver
  private let reads: Bool

  init(isInteractive: Bool, rows: Int, previewsViewers: Bool) {
    reads = isInteractive && isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1
    observer = TerminalObserver(
      canAsk: reads, rows: rows, previewsViewers: previewsViewers, write: Self.write)
  }

  /// Writes at once, also into a pipe. Nobody who reads is no reason to stop sharing.
  @Sendable static func write(_ text: String) {
    try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
  }

  /// Passes on what the host types, until the task is cancelled.
  func readLines() async {
    guard reads else { return }
    let (lines, line) = AsyncStream<String>.makeStream(bufferingPolicy: .bufferingNewest(100))
    // A read from a terminal can't be interrupted, so it has a thread that ends with the process.
    Thread.detachNewThread {
      while let text = readLine() { line.yield(text) }
      line.finish()
    }
    for await text in lines { await observer.typed(text) }
  }
}
