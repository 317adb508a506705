import AgentClientProtocol
import AsyncHTTPClient
import Basics
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
    /// The questions that were put to the host, each waiting for its answer; nil when there is no terminal.
    let terminal: Terminal?
    let settlements = Mutex<[PermissionSettlement]>([])
    let hasSettled = Latch()
    let hasSeenJoining = Latch()

    init(terminal: Terminal? = nil) {
      self.terminal = terminal
    }

    func permissionSettled(_ request: AgentPermissionRequest, _ settlement: PermissionSettlement) async {
      settlements.withLock { $0.append(settlement) }
      hasSettled.set()
    }

    func sharing(_ session: SharedSession, _ control: HostControl) async {
      self.session.withLock { $0 = session }
    }

    func event(_ event: JSONText) async {
      events.withLock { $0.append(event["type"]?.string ?? "?") }
      if event["type"]?.string == "participant_joined" { hasSeenJoining.set() }
    }

    func eventSkipped() async {
      events.withLock { $0.append("skipped") }
    }

    func asksPermission(_ request: AgentPermissionRequest) async -> AgentPermissionOutcome? {
      await terminal?.ask(request)
    }
  }

  /// A terminal at which a test sits.
  final class Terminal: Sendable {
    let isAsked = Latch()
    let isTakenBack = Latch()
    private let hasChosen = Latch()
    private let choice = Mutex<String?>(nil)

    func choose(_ optionID: String) {
      choice.withLock { $0 = optionID }
      hasChosen.set()
    }

    fileprivate func ask(_ request: AgentPermissionRequest) async -> AgentPermissionOutcome {
      isAsked.set()
      await hasChosen.wait()
      guard let option = choice.withLock({ $0 }) else {
        isTakenBack.set()
        return .cancelled
      }
      return .selected(optionID: option)
    }
  }

  /// Answers prompts by the words in them: `crash` leaves with status 3, `wait` waits to be cancelled, `ask` asks for
  /// permission and says what came back, `twice` asks and takes it back, `huge` asks with a large tool call,
  /// `named` names a tool call that it has told of, `many` says a hundred things, `deaf` never ends; everything else is answered with two.
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
        *'"method":"session/prompt"'*twice*)
          printf '{"jsonrpc":"2.0","id":"t","method":"session/request_permission","params":{"sessionId":"s","toolCall":{"toolCallId":"c"},"options":[{"optionId":"yes","kind":"allow_once"}]}}\n'
          printf '{"jsonrpc":"2.0","method":"$/cancel_request","params":{"requestId":"t"}}\n'
          read -r line
          case "$line" in *'"outcome":"cancelled"'*) say cancelled;; *) say other;; esac
          end end_turn;;
        *'"method":"session/prompt"'*huge*)
          big=$(printf '%05000d' 0)
          printf '{"jsonrpc":"2.0","id":"h","method":"session/request_permission","params":{"sessionId":"s","toolCall":{"toolCallId":"c","title":"big","rawInput":"%s","kind":"edit"},"options":[{"optionId":"yes","kind":"allow_once"}]}}\n' "$big"
          read -r line; say asked; end end_turn;;
        *'"method":"session/prompt"'*named*)
          printf '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"tool_call","toolCallId":"c","title":"Run","rawInput":{"command":"rm"}}}}\n'
          printf '{"jsonrpc":"2.0","id":"n","method":"session/request_permission","params":{"sessionId":"s","toolCall":{"toolCallId":"c"},"options":[{"optionId":"yes","kind":"allow_once"}]}}\n'
          read -r line; say asked; end end_turn;;
        *'"method":"session/prompt"'*ask*)
          printf '{"jsonrpc":"2.0","id":"q","method":"session/request_permission","params":{"sessionId":"s","toolCall":{"toolCallId":"c"},"options":[{"optionId":"yes","kind":"allow_once"},{"optionId":"no","kind":"reject_once"}]}}\n'
          answer=
          while [ -z "$answer" ]; do
            read -r line
            case "$line" in
              *'"optionId":"yes"'*) answer=yes;;
              *'"optionId":"no"'*) answer=no;;
              *'"outcome":"cancelled"'*) answer=cancelled;;
            esac
          done
          say "$answer"
          if [ "$answer" = cancelled ]; then end cancelled; else end end_turn; fi;;
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
    _ node: FakeNode, moreServers: [String] = [], terminal: Terminal? = nil,
    _ change: @escaping @Sendable (inout BridgeConfiguration) -> Void = { _ in },
    _ body: @escaping @Sendable (HostBridge, Recorder) async throws -> Void
  ) async throws {
    try await FakeNodeServer.serve(node) { base in
      var http = HTTPClient.Configuration()
      http.connectionPool.retryConnectionEstablishment = false
      try await HTTPClient.withHTTPClient(configuration: http) { http in
        var configuration = configuration(moreServers + [base])
        change(&configuration)
        let recorder = Recorder(terminal: terminal)
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
