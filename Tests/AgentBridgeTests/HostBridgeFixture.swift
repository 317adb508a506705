import AgentClientProtocol
import AsyncHTTPClient
import JSONText
import Logging
import Synchronization

@testable import AgentBridge

/// What tests of the whole bridge share: a host that only notes, an agent of a few lines of shell, and running both
/// against a fake node. Functions without state.
enum HostBridgeFixture {
  /// Notes what the host would see.
  final class Recorder: HostObserver {
    let events = Mutex<[String]>([])
    let session = Mutex<SharedSession?>(nil)

    func sharing(_ session: SharedSession, _ control: HostControl) async {
      self.session.withLock { $0 = session }
    }

    func event(_ event: JSONText) async {
      events.withLock { $0.append(event["type"]?.string ?? "?") }
    }

    func asksPermission(_ request: AgentPermissionRequest) async -> AgentPermissionOutcome? { nil }
  }

  /// Answers prompts by the words in them: `crash` leaves with status 3, `wait` waits to be cancelled, `ask` asks for
  /// permission and says what came back, `many` says a hundred things, `deaf` never ends; everything else is answered with two.
  static let agent = #"""
    say() { printf '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"%s"}}}}\n' "$1"; }
    kind() { printf '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"%s"}}}\n' "$1"; }
    end() { printf '{"jsonrpc":"2.0","id":%s,"result":{"stopReason":"%s"}}\n' "$id" "$1"; }
    while read -r line; do
      id=${line#*\"id\":}; id=${id%%,*}
      case "$line" in
        *'"method":"initialize"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":1,"agentInfo":{"name":"shell"}}}\n' "$id";;
        *'"method":"session/new"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"sessionId":"s"}}\n' "$id";;
        *'"method":"session/prompt"'*crash*) say dying; exit 3;;
        *'"method":"session/prompt"'*wait*) say waiting; read -r line; end cancelled;;
        *'"method":"session/prompt"'*deaf*) say deaf; while read -r line; do :; done;;
        *'"method":"session/prompt"'*ask*)
          printf '{"jsonrpc":"2.0","id":"q","method":"session/request_permission","params":{"sessionId":"s","toolCall":{"toolCallId":"c"},"options":[{"optionId":"yes","kind":"allow_once"},{"optionId":"no","kind":"reject_once"}]}}\n'
          read -r line
          case "$line" in *'"optionId":"yes"'*) say yes;; *'"optionId":"no"'*) say no;; *) say nothing;; esac
          end end_turn;;
        *'"method":"session/prompt"'*many*) i=0; while [ $i -lt 100 ]; do kind "k$i"; i=$((i+1)); done; end end_turn;;
        *'"method":"session/prompt"'*) say Hello; say ' there'; kind plan; end end_turn;;
      esac
    done
    """#

  static let silence = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  static func configuration(_ servers: [String]) -> BridgeConfiguration {
    var agent = AgentConfiguration(command: ["/bin/sh", "-c", Self.agent], workingDirectory: "/")
    agent.stopGrace = .milliseconds(500)
    return BridgeConfiguration(servers: servers, agent: agent, userID: "host")
  }

  /// Runs a bridge against the node until the body is done, then stops it.
  static func share(
    _ node: FakeNode, moreServers: [String] = [],
    _ change: @escaping @Sendable (inout BridgeConfiguration) -> Void = { _ in },
    _ body: @escaping @Sendable (HostBridge, Recorder) async throws -> Void
  ) async throws {
    try await FakeNodeServer.serve(node) { base in
      var http = HTTPClient.Configuration()
      http.connectionPool.retryConnectionEstablishment = false
      try await HTTPClient.withHTTPClient(configuration: http) { http in
        var configuration = configuration(moreServers + [base])
        change(&configuration)
        let recorder = Recorder()
        let bridge = HostBridge(
          configuration: configuration, observer: recorder, http: http,
          logger: Self.silence)
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { try await bridge.run() }
          group.addTask {
            try await body(bridge, recorder)
            bridge.stop()
          }
          // The first failure ends the wait of the others.
          while try await group.next() != nil {}
        }
      }
    }
  }

  static func isOver(_ id: String) -> @Sendable (FakeNode.State) -> Bool {
    { ["completed", "failed"].contains($0.dispatchStates[id]) }
  }
}
