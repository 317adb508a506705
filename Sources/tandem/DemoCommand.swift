import AgentBridge
import AgentClientProtocol
import ArgumentParser
import AsyncHTTPClient
import EventStreaming
import Foundation
import HTTPGateway
import JSONText
import Logging
import NIOPosix
import ServiceLifecycle

/// `tandem demo`: a node, the example agent and an open session, for trying things out.
struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract:
      "Run one node with the built-in example agent and an open session; prints the host's and the invite link.",
    discussion: """
      Takes the same settings as serve. The example agent pretends to edit a file; it touches nothing. \
      Words such as permission, explain, run and secret in a prompt make it do more: see tandem example-agent --help.

      \(ConfigurationDocuments.help)
      """)

  @OptionGroup var settings: SettingsArguments

  func run() async throws {
    let configuration = try settings.load()
    guard configuration.access == .open else {
      StandardError.write("configuration: the demo works with access = open only; use tandem serve and tandem host")
      throw ExitStatus.configuration
    }
    let (addresses, address) = AsyncStream<String>.makeStream()
    let session = DemoSession(
      addresses: addresses, executable: Bundle.main.executablePath ?? CommandLine.arguments[0],
      readTimeout: max(BridgeConfiguration.defaultReadTimeout, configuration.gateway.streams.heartbeat * 2))
    try await NodeProgram.run(configuration, companions: [session]) { url in
      StandardOutput.write("listening on \(url)")
      address.yield(url)
      address.finish()
    }
  }
}

/// The demo's own host: shares the example agent on the node of this process.
///
/// Isolation: immutable; the bridge it runs guards itself.
private struct DemoSession: Service {
  /// Yields the node's address once it listens.
  let addresses: AsyncStream<String>
  /// This very program, which is also the example agent.
  let executable: String
  /// How long the node may be silent: longer than its heartbeat, whatever that is.
  let readTimeout: Duration

  func run() async throws {
    guard let server = await addresses.cancelOnGracefulShutdown().first(where: { _ in true }) else { return }
    var agent = AgentConfiguration(
      command: [executable, "example-agent"], workingDirectory: FileManager.default.currentDirectoryPath)
    agent.clientVersion = Build.version
    var configuration = BridgeConfiguration(servers: [server], agent: agent, userID: "host")
    configuration.displayName = "Demo host"
    configuration.workspaceID = "demo"
    // It is there to be tried out: whoever finds it may open sessions of their own, and its agent touches nothing.
    configuration.sharing = .anyone
    // The example agent runs one command, which only prints a greeting.
    configuration.offersTerminals = true
    // Nobody sits at this terminal to be asked; the host's page and the API are where the agent is answered.
    configuration.permissions = .ask
    let http = HTTPClient(
      eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
      configuration: HostCommand.httpConfiguration(readTimeout: readTimeout))
    do {
      try await HostBridge(
        configuration: configuration, observer: DemoObserver(), http: http, logger: Logger(label: "tandem.demo")
      ).run()
    } catch {
      try? await http.shutdown()
      throw error
    }
    try await http.shutdown()
  }
}

/// Prints the links; the events are for the streams.
///
/// Isolation: an immutable value.
private struct DemoObserver: HostObserver {
  func sharing(_ session: SharedSession, _ control: HostControl) async {
    StandardOutput.write(
      """

      The example agent is shared.
        you, the host   \(session.hostURL)
        give away       \(session.inviteURL)

      See who is there:
        curl -s \(session.server)/api/shared-sessions/\(session.id)/participants
      The tour in README.md shows the rest. Ctrl-C stops everything.
      """)
  }

  func event(_ event: JSONText) async {}

  func eventSkipped() async {}

  func asksPermission(_ request: AgentPermissionRequest) async -> AgentPermissionOutcome? { nil }
}
