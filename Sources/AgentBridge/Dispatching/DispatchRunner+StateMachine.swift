import AgentClientProtocol
import DequeModule

/// Which dispatch runs, and what is reported when: a pure value that takes what happens and returns what to do.
///
/// One prompt runs at a time. A prompt is given to the agent only after the node has accepted `started`, and a dispatch
/// that was accepted once is never run again, whatever is delivered: a prompt runs at most once. Where Redis has lost that it
/// was begun, as a failover can, it is delivered again: then the node is told what became of it.
struct DispatchRunnerStateMachine: Sendable {
  /// How a turn ended.
  enum End: Sendable, Hashable {
    case completed(stopReason: String)
    case failed(String)
  }

  /// What the driver has to do. The first three are work that takes time, and at most one of them is under way.
  enum Action: Sendable, Hashable {
    /// Report `started`, then call `startedAnswered`.
    case reportStarted(Dispatch)
    /// Run the prompt, then call `ended`.
    case prompt(Dispatch)
    /// Publish what the agent has said, report the end, then call `endAnswered`.
    case reportEnd(Dispatch, End)
    /// Ask the agent to stop the turn.
    case cancelTurn
    /// Report `started` of the turn that runs, which the node does not know of any more, and call `reclaimed`.
    case reclaim(Dispatch)
    /// Nothing is left to do, and nothing will be: the runner was told to stop.
    case stopped
    /// For the log.
    case note(Note)
  }

  /// What the log should know.
  enum Note: Sendable, Hashable {
    case deliveredAgain(id: String)
    case queueFull(id: String)
    case notOurs(id: String)
    case cannotReport(id: String, String)
  }

  private enum Phase: Sendable {
    case idle
    case starting(Dispatch, isCancelled: Bool)
    case running(Dispatch)
    case ending(Dispatch)
  }

  private let maximumWaiting: Int
  private let maximumRemembered: Int
  private var phase = Phase.idle
  private var waiting: Deque<Dispatch> = []
  /// The dispatches whose `started` was accepted, oldest first.
  private var begun: Deque<String>
  /// How they ended, as far as that is known.
  private var ends: [String: End?]
  private var isStopping = false

  /// - Parameters:
  ///   - maximumWaiting: dispatches kept while another runs; a further one is dropped, for the node keeps it as well
  ///     and delivers it again when the bridge attaches the next time.
  ///   - maximumRemembered: ids kept of dispatches that have run.
  ///   - begun: dispatches that were begun before, and of whose end nothing is known.
  init(maximumWaiting: Int = 1_000, maximumRemembered: Int = 10_000, begun: [String] = []) {
    self.maximumWaiting = maximumWaiting
    self.maximumRemembered = maximumRemembered
    self.begun = Deque(begun)
    ends = Dictionary(begun.map { ($0, nil) }) { first, _ in first }
  }

  /// What is reported of a dispatch that was begun and may have run.
  static let ambiguous =
    "this prompt was begun before the bridge or the store was lost, so its outcome is unknown; it was not run again"

  /// A connection to a node has begun: it delivers again what isn't started, under the attempts that count now.
  mutating func attached() -> [Action] {
    waiting.removeAll()
    return []
  }

  /// A dispatch was delivered.
  mutating func delivered(_ dispatch: Dispatch) -> [Action] {
    guard !isStopping else { return [] }
    if case .running(let current) = phase, current.id == dispatch.id {
      return [.note(.deliveredAgain(id: dispatch.id)), .reclaim(dispatch)]
    }
    if case .starting(let current, let isCancelled) = phase, current.id == dispatch.id {
      // The report under way may be refused for its old attempt; then this one counts.
      if dispatch.attempt > current.attempt { phase = .starting(dispatch, isCancelled: isCancelled) }
      return []
    }
    if let index = waiting.firstIndex(where: { $0.id == dispatch.id }) {
      if dispatch.attempt > waiting[index].attempt { waiting[index] = dispatch }
      return []
    }
    guard waiting.count < maximumWaiting else { return [.note(.queueFull(id: dispatch.id))] }
    waiting.append(dispatch)
    let notes: [Action] = ends[dispatch.id] == nil ? [] : [.note(.deliveredAgain(id: dispatch.id))]
    return notes + startNext()
  }

  /// The report of `started` of the turn that runs was answered. Its end is reported under the attempt that counts.
  mutating func reclaimed(_ dispatch: Dispatch, _ answer: HostAPI.ReportAnswer) -> [Action] {
    guard case .running(let current) = phase, current.id == dispatch.id, answer == .accepted else { return [] }
    phase = .running(dispatch)
    return []
  }

  /// Somebody asks to stop a dispatch.
  mutating func cancelled(_ id: String) -> [Action] {
    switch phase {
    case .starting(let dispatch, _) where dispatch.id == id:
      phase = .starting(dispatch, isCancelled: true)
      return []
    case .running(let dispatch) where dispatch.id == id:
      return [.cancelTurn]
    default:
      return []
    }
  }

  /// The report of `started` was answered.
  mutating func startedAnswered(_ reported: Dispatch, _ answer: HostAPI.ReportAnswer) -> [Action] {
    guard case .starting(let dispatch, let isCancelled) = phase, dispatch.id == reported.id else { return [] }
    switch answer {
    case .accepted:
      if let end = ends[reported.id] {
        phase = .ending(reported)
        return [.reportEnd(reported, end ?? .failed(Self.ambiguous))]
      }
      remember(reported.id)
      if isCancelled || isStopping {
        let end = End.completed(stopReason: AgentStopReason.cancelled.rawValue)
        ends[reported.id] = end
        phase = .ending(reported)
        return [.reportEnd(reported, end)]
      }
      phase = .running(reported)
      return [.prompt(reported)]
    case .conflict:
      if dispatch.attempt > reported.attempt, !isStopping { return [.reportStarted(dispatch)] }
      phase = .idle
      return [.note(.notOurs(id: reported.id))] + startNext()
    case .refused(let reason):
      phase = .idle
      return [.note(.cannotReport(id: reported.id, reason))] + startNext()
    }
  }

  /// The turn has ended.
  mutating func ended(_ dispatch: Dispatch, _ end: End) -> [Action] {
    guard case .running(let current) = phase, current.id == dispatch.id else { return [] }
    ends[current.id] = end
    phase = .ending(current)
    return [.reportEnd(current, end)]
  }

  /// The report of the end was answered; a conflict means that the node has ended the dispatch itself.
  mutating func endAnswered(_ dispatch: Dispatch, _ answer: HostAPI.ReportAnswer) -> [Action] {
    guard case .ending(let current) = phase, current.id == dispatch.id else { return [] }
    phase = .idle
    let notes: [Action] =
      switch answer {
      case .accepted: []
      case .conflict: [.note(.notOurs(id: dispatch.id))]
      case .refused(let reason): [.note(.cannotReport(id: dispatch.id, reason))]
      }
    return notes + startNext()
  }

  /// Nothing new is to be started; a turn that runs is asked to stop.
  mutating func stop() -> [Action] {
    guard !isStopping else { return [] }
    isStopping = true
    waiting.removeAll()
    switch phase {
    case .idle: return [.stopped]
    case .running: return [.cancelTurn]
    case .starting, .ending: return []
    }
  }

  /// The dispatch whose turn runs.
  var running: Dispatch? {
    if case .running(let dispatch) = phase { dispatch } else { nil }
  }

  /// Whether anything runs or waits.
  var isIdle: Bool {
    if case .idle = phase { waiting.isEmpty } else { false }
  }

  private mutating func startNext() -> [Action] {
    guard case .idle = phase else { return [] }
    guard !isStopping else { return [.stopped] }
    guard let next = waiting.popFirst() else { return [] }
    phase = .starting(next, isCancelled: false)
    return [.reportStarted(next)]
  }

  private mutating func remember(_ id: String) {
    begun.append(id)
    ends[id] = .some(nil)
    if begun.count > maximumRemembered, let oldest = begun.popFirst() { ends[oldest] = nil }
  }
}
