import Basics
import DequeModule
import JSONText
import NIOCore

/// The client's side of one agent connection: a pure value that takes lines and calls and returns what to do.
///
/// It knows both id spaces, which sessions are ours, which questions of the agent are open and which lines wait to be
/// written, in their order. It is generic over what waits for an answer: a continuation in the driver, a word in a test.
struct AgentConnectionStateMachine<Waiter: Sendable>: Sendable {
  /// What is kept of a request until its answer comes.
  private enum Purpose: Sendable {
    case plain
    case newSession
    case resumeSession(String)
    case loadSession(String, wantsReplay: Bool)
    case prompt(sessionID: String, isCancelled: Bool)
  }

  private let limits: AgentConfiguration.Limits
  private let offered: OfferedTools
  private let adapter: ProtocolAdapter
  private var nextRequestID: Int64 = 0
  private var nextPermissionKey = 0
  private var pending: [Int64: (purpose: Purpose, waiter: Waiter)] = [:]
  private var permissions: [Int: (id: JSONText, sessionID: String)] = [:]
  private var tools: [Int: (id: JSONText, elicitation: String?)] = [:]
  private var replay: ConversationReplay
  private var calls: RecentToolCalls
  private var sessions: Set<String> = []
  private var early: EarlyUpdates
  private var outgoing: Deque<ByteBuffer> = []
  private var outgoingBytes = 0
  private var failure: AgentError?

  init(limits: AgentConfiguration.Limits, offered: OfferedTools = OfferedTools(), adapter: ProtocolAdapter = .current) {
    self.limits = limits
    self.adapter = adapter
    self.offered = offered
    early = EarlyUpdates(maximumUpdates: limits.earlyUpdates, maximumBytes: limits.earlyUpdateBytes)
    replay = ConversationReplay(maximumUpdates: limits.replayedUpdates, maximumBytes: limits.replayedBytes)
    calls = RecentToolCalls(maximumCalls: limits.rememberedCalls, maximumBytes: limits.rememberedCallBytes)
  }

  // MARK: - Lines to write

  /// Whether lines wait to be written.
  var hasOutgoing: Bool { !outgoing.isEmpty }

  /// Takes the next line to write.
  mutating func nextOutgoing() -> ByteBuffer? {
    guard let line = outgoing.popFirst() else { return nil }
    outgoingBytes -= line.readableBytes
    return line
  }

  /// Whether the agent has stopped reading: more waits for it than is kept.
  var isOverloaded: Bool { outgoingBytes > limits.outgoingBytes }

  private mutating func write(_ line: ByteBuffer) {
    outgoing.append(line)
    outgoingBytes += line.readableBytes
  }

  // MARK: - Our requests

  /// Asks the agent something. The id names the request for `abandon`.
  mutating func request(_ call: AgentCall, waiter: Waiter) -> (id: Int64, actions: [Action]) {
    let id = nextRequestID
    nextRequestID += 1
    if let failure { return (id, [.resume(waiter, .failure(failure))]) }
    let purpose: Purpose
    switch call {
    case .newSession: purpose = .newSession
    case .loadSession(let sessionID, _, _, let wantsReplay):
      purpose = .loadSession(sessionID, wantsReplay: wantsReplay)
    case .resumeSession(let sessionID, _, _):
      // Nothing is replayed, so what comes from now on is live.
      sessions.insert(sessionID)
      purpose = .resumeSession(sessionID)
    case .prompt(let sessionID, _): purpose = .prompt(sessionID: sessionID, isCancelled: false)
    case .initialize, .authenticate, .logOut, .listSessions, .closeSession, .set: purpose = .plain
    }
    pending[id] = (purpose, waiter)
    let request = adapter.request(for: call)
    write(JSONRPCLine.request(id: id, method: request.method, params: request.params))
    return (id, [])
  }

  /// Stops waiting for an answer; when it comes after all, it is ignored.
  mutating func abandon(_ id: Int64, because error: AgentError) -> [Action] {
    guard let request = pending.removeValue(forKey: id) else { return [] }
    let params = JSONText { $0.add("requestId", id) }
    write(JSONRPCLine.notification(method: "$/cancel_request", params: params))
    if case .loadSession = request.purpose { _ = replay.take() }
    return [.resume(request.waiter, .failure(error))] + dropEarlyIfSettled()
  }

  /// Asks the agent to stop its turn, and answers every question it has open: the protocol wants both from us.
  mutating func cancel(sessionID: String) -> [Action] {
    guard failure == nil else { return [] }
    for (id, request) in pending {
      if case .prompt(sessionID, _) = request.purpose {
        pending[id]?.purpose = .prompt(sessionID: sessionID, isCancelled: true)
      }
    }
    let params = JSONText { $0.add("sessionId", sessionID) }
    write(JSONRPCLine.notification(method: "session/cancel", params: params))
    return permissions.filter { $0.value.sessionID == sessionID }.keys.sorted().flatMap { key in
      answerPermission(key: key, .cancelled) + [.withdrawPermission(key: key)]
    }
  }

  /// Whether a question of the agent still waits for its answer.
  func isOpen(permission key: Int) -> Bool { permissions[key] != nil }

  /// Answers a question of the agent; once only, later answers change nothing.
  mutating func answerPermission(key: Int, _ outcome: AgentPermissionOutcome) -> [Action] {
    guard let permission = permissions.removeValue(forKey: key), failure == nil else { return [] }
    write(JSONRPCLine.result(id: permission.id, adapter.result(of: outcome)))
    return []
  }

  /// Whether a request of the agent still waits for its answer.
  func isOpen(tool key: Int) -> Bool { tools[key] != nil }

  /// Answers a request of the agent; once only, later answers change nothing.
  mutating func answerTool(key: Int, _ answer: AgentToolAnswer) -> [Action] {
    guard let id = tools.removeValue(forKey: key)?.id, failure == nil else { return [] }
    switch answer {
    case .result(let result): write(JSONRPCLine.result(id: id, result))
    case .error(let code, let message): write(JSONRPCLine.error(id: id, code: code, message: message))
    }
    return []
  }

  // MARK: - What the agent sends

  /// Takes one line of the agent.
  mutating func receive(_ line: LineFramer.Line) -> [Action] {
    guard failure == nil else { return [] }
    guard case .complete(let bytes) = line else { return [.note(.lineTooLong)] }
    guard let message = try? JSONRPCMessage(bytes) else { return [.note(.lineIgnored(bytes))] }
    switch message {
    case .response(let id, let answer): return receive(answer, to: id)
    case .request(let id, let method, let params): return receive(request: method, id: id, params: params)
    case .notification(let method, let params, let text):
      return receive(notification: method, params: params, text: text, line: bytes)
    }
  }

  private mutating func receive(_ answer: JSONRPCMessage.Answer, to id: JSONText) -> [Action] {
    guard let number = id.integer, let request = pending.removeValue(forKey: number) else {
      return [.note(.answerUnexpected)]
    }
    switch (request.purpose, answer) {
    case (.newSession, .result(let result)):
      guard let sessionID = result["sessionId"]?.string else {
        let error = AgentError(.incompatible, "The agent opened a session without saying its id.")
        return [.resume(request.waiter, .failure(error))] + dropEarlyIfSettled()
      }
      sessions.insert(sessionID)
      let session = AgentSession(id: sessionID, result: result, isContinued: false)
      return [.opened(session), .resume(request.waiter, .success(result))]
        + early.take(of: sessionID).map { .deliver($0) } + dropEarlyIfSettled()
    case (.loadSession(let sessionID, _), .result(let result)):
      // What came until here was the replay.
      sessions.insert(sessionID)
      let (updates, dropped) = replay.take()
      return (dropped > 0 ? [.note(.replayCut(dropped))] : []) + updates.map { .deliver($0) }
        + [.opened(AgentSession(id: sessionID, result: result, isContinued: true))]
        + [.resume(request.waiter, .success(result))]
    case (.resumeSession(let sessionID), .result(let result)):
      let session = AgentSession(id: sessionID, result: result, isContinued: true)
      return [.opened(session), .resume(request.waiter, .success(result))]
    case (.prompt(_, isCancelled: true), .error):
      // Agents that answer a cancelled turn with an error have cancelled it nevertheless.
      let result = JSONText { $0.add("stopReason", AgentStopReason.cancelled.rawValue) }
      return [.resume(request.waiter, .success(result))]
    case (.prompt, .result(let result)):
      guard let end = adapter.turnEnd(inAnswer: result) else {
        // The turn has begun; an update will end it.
        pending[number] = request
        return []
      }
      return [.resume(request.waiter, .success(end))]
    case (_, .result(let result)):
      return [.resume(request.waiter, .success(result))]
    case (_, .error(let code, let message, let data)):
      if case .loadSession = request.purpose { _ = replay.take() }
      return [.resume(request.waiter, .failure(Self.error(code, message, data)))] + dropEarlyIfSettled()
    }
  }

  private static func error(_ code: Int64, _ message: String, _ data: JSONText?) -> AgentError {
    let detail = data?["error"]?.string ?? data?["details"]?.string ?? data?.string
    let sentence = detail.map { "\(message): \($0)" } ?? message
    if code == -32000 { return AgentError(.authenticationRequired, sentence) }
    return AgentError(.refused, "The agent answered with error \(code): \(String(sentence.prefix(2_000)))")
  }

  private mutating func receive(request method: String, id: JSONText, params: JSONText?) -> [Action] {
    if offered.include(method) { return receive(tool: method, id: id, params: params) }
    guard method == "session/request_permission" else {
      // Never an empty result: the agent would take it for what it asked for.
      write(JSONRPCLine.error(id: id, code: -32601, message: "Method not found"))
      return [.note(.methodUnknown(method))]
    }
    guard permissions.count < limits.openPermissions else {
      write(JSONRPCLine.error(id: id, code: -32603, message: "Too many permission requests are open"))
      return []
    }
    guard let request = AgentPermissionRequest(key: nextPermissionKey, params: params)?.completed(by: calls) else {
      write(JSONRPCLine.error(id: id, code: -32602, message: "Invalid params"))
      return []
    }
    nextPermissionKey += 1
    permissions[request.key] = (id, request.sessionID)
    // A turn that was told to stop gets this answer, whenever it asks.
    guard !isCancelled(request.sessionID) else { return answerPermission(key: request.key, .cancelled) }
    return [.askPermission(request)]
  }

  private mutating func receive(tool method: String, id: JSONText, params: JSONText?) -> [Action] {
    guard tools.count < limits.openRequests else {
      write(JSONRPCLine.error(id: id, code: -32603, message: "Too many requests are open"))
      return []
    }
    // A question may belong to a request of ours instead, such as signing in.
    let isOfRequest = method == "elicitation/create" && params?["requestId"] != nil
    let named = params?["sessionId"]?.string ?? (isOfRequest ? "" : nil)
    guard let params, let sessionID = named, sessions.contains(sessionID) || isOfRequest else {
      write(JSONRPCLine.error(id: id, code: -32602, message: "Invalid params"))
      return []
    }
    let request = AgentToolRequest(key: nextPermissionKey, sessionID: sessionID, method: method, params: params)
    nextPermissionKey += 1
    tools[request.key] = (id, params["elicitationId"]?.string)
    return [.useTool(request)]
  }

  private func isCancelled(_ sessionID: String) -> Bool {
    pending.values.contains { if case .prompt(sessionID, isCancelled: true) = $0.purpose { true } else { false } }
  }

  private mutating func receive(
    notification method: String, params: JSONText?, text: JSONText, line: ByteBuffer
  ) -> [Action] {
    switch method {
    case "session/update":
      guard let notification = AgentNotification(text) else { return [.note(.lineIgnored(line))] }
      calls.note(notification)
      return receive(notification)
    case "$/cancel_request":
      guard let id = params?["requestId"] else { return [] }
      if let key = permissions.first(where: { $0.value.id == id })?.key {
        return answerPermission(key: key, .cancelled) + [.withdrawPermission(key: key)]
      }
      guard let key = tools.first(where: { $0.value.id == id })?.key else { return [] }
      return answerTool(key: key, .cancelled) + [.withdrawPermission(key: key)]
    case "elicitation/complete":
      // What was asked on a page is done: nobody needs to agree to it any more.
      guard let id = params?["elicitationId"]?.string,
        let key = tools.first(where: { $0.value.elicitation == id })?.key
      else { return [] }
      return answerTool(key: key, .result(JSONText { $0.add("action", "accept") })) + [.withdrawPermission(key: key)]
    default:
      return [.note(.methodUnknown(method))]
    }
  }

  // MARK: - Updates that come before their session

  private mutating func receive(_ notification: AgentNotification) -> [Action] {
    if sessions.contains(notification.sessionID) { return [.deliver(notification)] + endTurn(with: notification) }
    if let wantsReplay = isLoading(notification.sessionID) {
      if wantsReplay { replay.append(notification) }
      return []
    }
    guard isOpeningSession else { return [.note(.updateOfOtherSession(kind: notification.kind))] }
    // Agents send updates of a session before the answer that names it.
    return early.append(notification) ? [] : [.note(.updatesDropped)]
  }

  private var isOpeningSession: Bool {
    pending.values.contains { if case .newSession = $0.purpose { true } else { false } }
  }

  private mutating func endTurn(with notification: AgentNotification) -> [Action] {
    guard let end = adapter.turnEnd(in: notification) else { return [] }
    let turn = pending.first {
      if case .prompt(notification.sessionID, _) = $0.value.purpose { true } else { false }
    }
    guard let turn else { return [] }
    pending[turn.key] = nil
    return [.resume(turn.value.waiter, .success(end))]
  }

  /// Whether a session is being loaded, and if so, whether its replay is wanted.
  private func isLoading(_ sessionID: String) -> Bool? {
    for case .loadSession(sessionID, let wantsReplay) in pending.values.map(\.purpose) { return wantsReplay }
    return nil
  }

  private mutating func dropEarlyIfSettled() -> [Action] {
    guard !isOpeningSession, !early.isEmpty else { return [] }
    early.removeAll()
    return [.note(.updatesDropped)]
  }

  // MARK: - The end

  /// Ends everything that waits. Later requests fail at once with the same error.
  mutating func close(_ error: AgentError) -> [Action] {
    guard failure == nil else { return [] }
    failure = error
    let waiters = pending.sorted { $0.key < $1.key }.map(\.value.waiter)
    let questions = (Array(permissions.keys) + Array(tools.keys)).sorted()
    pending.removeAll()
    permissions.removeAll()
    tools.removeAll()
    _ = replay.take()
    early.removeAll()
    outgoing.removeAll()
    outgoingBytes = 0
    return questions.map { .withdrawPermission(key: $0) } + waiters.map { .resume($0, .failure(error)) }
  }
}
