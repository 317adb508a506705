import Basics
import JSONText
import NIOCore
import NIOHTTP1
import NIOPosix
import ServerSentEvents
import Synchronization

@testable import AgentBridge

/// A node as a bridge meets it, made for tests: it keeps the contract's promises in memory and loses calls on demand.
///
/// Safe to share, its state sits in a `Mutex`. Several servers may stand for the same installation.
final class FakeNode: Sendable {
  /// What happens to a call instead of being handled as usual.
  enum Fault: Sendable {
    /// The connection ends, the call has done nothing.
    case lostBefore
    /// The call has done its work, the connection ends without an answer.
    case lostAfter
    /// Nothing is done, and this is the answer.
    case answer(Int, code: String)
  }

  struct Report: Sendable, Equatable {
    let id: String
    let state: String
    let attempt: Int64
    var detail: String?
  }

  struct State: Sendable {
    var faults: [(path: String, fault: Fault)] = []
    var queued: [(id: String, prompt: String)] = []
    var dispatchStates: [String: String] = [:]
    var fence: Int64 = 0
    var attachments = 0
    var bridgeIDs: Set<String> = []
    var reports: [Report] = []
    /// What the agent said, in the order of the session's stream, with started, completed and failed in between.
    var journal: [String] = []
    var seenKeys: Set<String> = []
    /// The idempotency keys of all calls that change something, nil where one had none.
    var postKeys: [String?] = []
    /// What the bridge said about who may share its host session.
    var sharing: String?
    /// The decisions about prompts, as they were sent.
    var decisions: [JSONText] = []
    var permissions: [Permission] = []
    var events: [String] = []
    var calls: [String] = []
    var isSessionClosed = false
    var isHostDeleted = false
    var streams: [Int: (kind: StreamKind, output: AsyncStream<ByteBuffer>.Continuation)] = [:]
    var nextStream = 0
    var watchers: [(condition: @Sendable (State) -> Bool, waiter: Latch)] = []
  }

  enum StreamKind: Sendable {
    case dispatches
    case session
  }

  let state = Mutex(State())

  /// Changes the state and wakes whoever waits for it.
  @discardableResult
  func change<Result: Sendable>(_ body: @Sendable (inout State) -> Result) -> Result {
    let (result, woken) = state.withLock { state in
      let result = body(&state)
      let woken = state.watchers.filter { $0.condition(state) }.map(\.waiter)
      let waiting = state.watchers.filter { !$0.condition(state) }
      state.watchers = waiting
      return (result, woken)
    }
    for waiter in woken { waiter.set() }
    return result
  }

  /// Waits until the state is as wanted, or the task is cancelled; the test's time limit is the deadline.
  func until(_ condition: @escaping @Sendable (State) -> Bool) async {
    let over = Latch()
    change { $0.watchers.append((condition, over)) }
    await over.wait()
  }

  // MARK: - What a test does

  /// The next call to a path with this end is lost or refused.
  func fail(_ path: String, _ fault: Fault) {
    change { $0.faults.append((path, fault)) }
  }

  /// Approves a prompt: it is delivered now and whenever a bridge attaches.
  func approve(_ id: String, _ prompt: String) {
    change { state in
      state.queued.append((id, prompt))
      state.dispatchStates[id] = "queued"
      let frame = Self.dispatch(id, prompt, attempt: state.fence)
      for stream in state.streams.values where stream.kind == .dispatches { stream.output.yield(frame) }
    }
  }

  /// Sends a frame to the attached bridge.
  func push(_ type: String, _ payload: String) {
    change { state in
      for stream in state.streams.values where stream.kind == .dispatches {
        stream.output.yield(Self.frame(type, payload))
      }
    }
  }

  /// Sends an event of the shared session.
  func tell(_ type: String, _ payload: String, id: String) {
    change { state in
      for stream in state.streams.values where stream.kind == .session {
        stream.output.yield(Self.frame(type, payload, id: id))
      }
    }
  }

  /// Ends every open connection of a stream.
  func loseStreams() {
    change { state in
      for stream in state.streams.values { stream.output.finish() }
      state.streams = [:]
    }
  }

  func closeSession() {
    change { state in
      state.isSessionClosed = true
      state.events.append("session_closed")
      for stream in state.streams.values where stream.kind == .session {
        stream.output.yield(Self.frame("session_closed", #"{"status":"closed"}"#, id: "9-0"))
        stream.output.finish()
      }
    }
  }

  // MARK: - What a node answers

  enum Answer: Sendable {
    case json(Int, String)
    case stream(AsyncStream<ByteBuffer>, id: Int)
    case nothing
  }

  func answer(_ head: HTTPRequestHead, _ body: ByteBuffer) -> Answer {
    let path = head.uri.split(separator: "?").first.map(String.init) ?? ""
    return change { state in
      state.calls.append("\(head.method) \(path)")
      if head.method == .POST { state.postKeys.append(head.headers.first(name: "idempotency-key")) }
      var losesAnswer = false
      if let index = state.faults.firstIndex(where: { path.hasSuffix($0.path) }) {
        switch state.faults.remove(at: index).fault {
        case .lostBefore: return .nothing
        case .lostAfter: losesAnswer = true
        case .answer(let status, let code): return .json(status, #"{"error":"refused","code":"\#(code)"}"#)
        }
      }
      let answer = Self.handle(head, path, body, &state)
      return losesAnswer ? .nothing : answer
    }
  }

  private static func handle(
    _ head: HTTPRequestHead, _ path: String, _ body: ByteBuffer, _ state: inout State
  ) -> Answer {
    let json = (try? JSONText(validating: body)) ?? .null
    let parts = path.split(separator: "/").map(String.init)
    if parts.count > 3, ["permissions", "approvals"].contains(parts[3]) {
      return permission(head, Array(parts[1...]), json, &state)
    }
    switch (head.method, parts.dropFirst().first, parts.count) {
    case (.POST, "host-sessions", 2):
      state.sharing = json["sharing"]?.string
      return .json(201, #"{"hostSession":{"id":"hs"},"hostToken":"ht"}"#)
    case (.POST, "shared-sessions", 2):
      guard head.headers.first(name: "authorization") == "Bearer ht" else { return .json(403, "{}") }
      return .json(
        201, #"{"session":{"id":"ss"},"inviteToken":"it","hostParticipant":{"id":"hp","accessToken":"at"}}"#)
    case (.GET, "host-sessions", 4): return attach(head, &state)
    case (.GET, "shared-sessions", 4):
      // A client that lost its connection before the last event gets it on the next one.
      let ended = state.isSessionClosed ? [frame("session_closed", #"{"status":"closed"}"#, id: "9-0")] : []
      return open(.session, [frame("connected", "{}")] + ended, &state)
    case (.POST, "host-sessions", 5): return report(parts[4], json, &state)
    case (.POST, "host-sessions", 4): return publish(head, json, &state)
    case (.DELETE, "shared-sessions", 3):
      state.isSessionClosed = true
      for stream in state.streams.values where stream.kind == .session {
        stream.output.yield(frame("session_closed", #"{"status":"closed"}"#, id: "9-0"))
        stream.output.finish()
      }
      return .json(200, #"{"closed":true}"#)
    case (.DELETE, "host-sessions", 3):
      state.isHostDeleted = true
      return .json(200, #"{"closed":true}"#)
    default: return .json(404, #"{"error":"no such route","code":"NOT_FOUND"}"#)
    }
  }

  private static func attach(_ head: HTTPRequestHead, _ state: inout State) -> Answer {
    state.fence += 1
    state.attachments += 1
    if let id = head.uri.split(separator: "=").last { state.bridgeIDs.insert(String(id)) }
    let fence = state.fence
    let waiting = state.queued.filter { state.dispatchStates[$0.id] == "queued" }
    return open(
      .dispatches,
      [frame("attached", #"{"fence":\#(fence)}"#)] + waiting.map { dispatch($0.id, $0.prompt, attempt: fence) }, &state)
  }

  private static func open(_ kind: StreamKind, _ first: [ByteBuffer], _ state: inout State) -> Answer {
    let (pieces, output) = AsyncStream<ByteBuffer>.makeStream()
    for piece in first { output.yield(piece) }
    state.nextStream += 1
    state.streams[state.nextStream] = (kind, output)
    return .stream(pieces, id: state.nextStream)
  }

  private static func report(_ id: String, _ body: JSONText, _ state: inout State) -> Answer {
    guard let now = state.dispatchStates[id], let next = body["state"]?.string, let attempt = body["attempt"]?.integer
    else { return .json(404, #"{"error":"unknown","code":"DISPATCH_NOT_FOUND"}"#) }
    let detail = body["stopReason"]?.string ?? body["error"]?.string
    state.reports.append(Report(id: id, state: next, attempt: attempt, detail: detail))
    if now == next { return .json(200, #"{"dispatch":{}}"#) }
    let isAllowed = next == "started" ? now == "queued" && attempt == state.fence : now == "started"
    guard isAllowed else { return .json(409, #"{"error":"conflict","code":"DISPATCH_CONFLICT"}"#) }
    state.dispatchStates[id] = next
    state.journal.append("\(id) \(next)")
    return .json(200, #"{"dispatch":{}}"#)
  }

  private static func publish(_ head: HTTPRequestHead, _ body: JSONText, _ state: inout State) -> Answer {
    let key = head.headers.first(name: "idempotency-key") ?? ""
    let notifications = body["notifications"]?.elements ?? []
    if state.seenKeys.insert(key).inserted {
      state.journal += notifications.map { text in
        let update = text["params"]?["update"]
        return update?["content"]?["text"]?.string ?? update?["sessionUpdate"]?.string ?? text["method"]?.string ?? "?"
      }
    }
    return .json(202, #"{"accepted":\#(notifications.count)}"#)
  }

  private static func dispatch(_ id: String, _ prompt: String, attempt: Int64) -> ByteBuffer {
    frame(
      "dispatch",
      #"{"dispatchId":"\#(id)","approvalId":"a","sharedSessionId":"ss","prompt":"\#(prompt)","participant":{},"attempt":\#(attempt)}"#
    )
  }

  static func frame(_ type: String, _ payload: String, id: String? = nil) -> ByteBuffer {
    var buffer = ByteBuffer()
    let text = #"{"type":"\#(type)","hostSessionId":"hs","timestamp":"t","payload":\#(payload)}"#
    do {
      try ServerSentEventEncoder.write(ServerSentEvent(id: id, data: ByteBuffer(string: text)), into: &buffer)
    } catch {
      preconditionFailure("\(error)")
    }
    return buffer
  }
}
