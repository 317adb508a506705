internal import NIOCore

/// Decides, result by result, how an attachment finds the dispatch to hand out next. A value; `DispatchQueue.next` carries it out.
///
/// The slot is held at the host session, the queues lie beside the approvals. Steps in two slots cannot be one script, so
/// they are ordered so that a crash between any two leaves something the next look repairs: the slot is taken before a
/// dispatch is handed out, and freed only after the approval says that it is over.
struct DispatchStep: Sendable {
  /// What to do in Redis, or the end.
  enum Action: Sendable, Hashable {
    case readHost
    /// Read the first prompt of each of these sessions' queues.
    case readHeads([String])
    /// Take the running slot.
    case take(RunningDispatch)
    /// Read where a dispatch is.
    case readState(RunningDispatch)
    /// Count an attempt and get the payload.
    case lease(RunningDispatch)
    /// Free the slot of a dispatch that is over.
    case free(RunningDispatch)
    case finish(Next)
  }

  /// What an action has led to.
  enum Result: Sendable, Hashable {
    /// nil: the host session is gone.
    case host(HostState?)
    case heads([Head])
    /// What holds the slot now; nil: a newer attachment has taken over.
    case taken(RunningDispatch?)
    case state(String, attempt: Int, isCancelled: Bool = false)
    case leased(Lease)
    case freed
  }

  /// The first prompt of a session's queue, and when it was approved.
  struct Head: Sendable, Hashable {
    let order: Int
    let dispatch: RunningDispatch
  }

  /// The answer of `dispatch_lease.lua`.
  enum Lease: Sendable, Hashable {
    case handedOut(attempt: Int, payload: ByteBuffer, isCancelled: Bool)
    /// A newer attachment has handed it out, or is known to the session.
    case fenced
    /// Its turn runs.
    case started
    /// Its turn runs and was told to stop in its session.
    case stopping
    /// It, or its session, is over, or something goes before it.
    case over
  }

  /// What an attachment should do next.
  enum Next: Sendable, Hashable {
    /// Hand this out: the payload of a `dispatch` message; when it is cancelled, the bridge must hear that next.
    case deliver(DeliveredDispatch, payload: ByteBuffer, isCancelled: Bool)
    /// Nothing waits, or the slot is taken by a turn that runs, which somebody may have asked to stop.
    case idle(cancelling: String?)
    /// A newer attachment has taken over.
    case fenced
    /// The host session is gone.
    case gone
  }

  private let fence: Int
  private let delivered: DeliveredDispatch?
  /// Slots it may still free before it leaves the rest to the next look, for which each of them has given the signal.
  private var tries: Int
  /// What holds the slot as far as is known, and the dispatch that is being cancelled.
  private var holder: RunningDispatch?
  private var cancelling: String?

  /// - Parameters:
  ///   - fence: of the attachment that looks.
  ///   - delivered: what this attachment has handed out already; it is handed out again only when somebody else has taken it
  ///     back meanwhile, which makes the report of the first one stale.
  init(fence: Int, delivered: DeliveredDispatch?, tries: Int = ScriptRunner.tries) {
    self.fence = fence
    self.delivered = delivered
    self.tries = tries
  }

  /// The first action.
  func first() -> Action { .readHost }

  /// The action that follows from a result.
  mutating func next(after result: Result) -> Action {
    switch result {
    case .host(nil): return .finish(.gone)
    case .host(let host?):
      guard host.fence == fence else { return .finish(.fenced) }
      cancelling = host.cancelling
      if let running = host.running { return look(at: running) }
      return host.sessions.isEmpty ? .finish(.idle(cancelling: nil)) : .readHeads(host.sessions)
    case .heads(let heads):
      guard let first = heads.min(by: { $0.order < $1.order }) else { return .finish(.idle(cancelling: nil)) }
      return .take(first.dispatch)
    case .taken(nil): return .finish(.fenced)
    // Somebody may have been faster; then what holds the slot counts.
    case .taken(let running?): return look(at: running)
    case .state(let state, let attempt, let isCancelled):
      if isCancelled { cancelling = holder?.dispatch ?? cancelling }
      return known(state, attempt)
    case .leased(let lease): return leased(lease)
    case .freed:
      tries -= 1
      return tries > 0 ? .readHost : .finish(.idle(cancelling: nil))
    }
  }

  private mutating func look(at running: RunningDispatch) -> Action {
    holder = running
    return delivered?.id == running.dispatch ? .readState(running) : .lease(running)
  }

  /// Goes on with a dispatch this attachment has handed out before.
  private func known(_ state: String, _ attempt: Int) -> Action {
    guard let holder else { return .readHost }
    switch state {
    case "started": return .finish(.idle(cancelling: cancelling))
    // A report will come.
    case "queued" where attempt == delivered?.attempt: return .finish(.idle(cancelling: cancelling))
    case "queued": return .lease(holder)
    default: return .free(holder)
    }
  }

  private func leased(_ lease: Lease) -> Action {
    guard let holder else { return .readHost }
    switch lease {
    case .handedOut(let attempt, let payload, let isCancelled):
      return .finish(
        .deliver(
          DeliveredDispatch(id: holder.dispatch, attempt: attempt), payload: payload,
          isCancelled: isCancelled || cancelling == holder.dispatch))
    case .fenced: return .finish(.fenced)
    case .started: return .finish(.idle(cancelling: cancelling))
    case .stopping: return .finish(.idle(cancelling: holder.dispatch))
    // The slot is free for the next one.
    case .over: return .free(holder)
    }
  }
}
