import Basics

/// What a sweeper does about a session that is due. A value: decided from what `session_due.lua` says.
enum SessionDuty: Sendable, Hashable {
  /// It is gone; there is nothing more to look at.
  case forget
  /// Its time is over.
  case expire
  /// It has ended, and not all that was open in it yet.
  case goOn
  /// It has ended altogether, and is gone in so many milliseconds.
  case retire(goneIn: Int)
  /// Nothing; look again in so many milliseconds.
  case check(in: Int)
  /// Prompts wait, or something in it is due; look again in so many milliseconds at the latest.
  case failOverdue(nextIn: Int)

  /// - Parameters:
  ///   - state: nil when the session is gone.
  ///   - now: the time of Redis, in milliseconds.
  init(_ state: SessionState?, now: Int) {
    guard let state else {
      self = .forget
      return
    }
    switch state.status {
    case .expired: self = .expire
    case .ending: self = .goOn
    case .ended: self = .retire(goneIn: max(0, state.purgeAt - now) + 1_000)
    case .active:
      var next = min(state.endsAt - now, Int(SharedSessionSettings.longestUnseen.wholeMilliseconds))
      if let nearest = state.nearest { next = min(next, nearest - now) }
      // Prompts wait: their time may be over, or the signal that there is work may have been lost.
      self = next <= 0 || state.queued > 0 ? .failOverdue(nextIn: next) : .check(in: next)
    }
  }
}

/// What a session's waiting prompts need besides being looked at, given their host. A value.
struct WaitingDuty: Sendable, Hashable {
  /// The fence of a bridge the session must be told of first: whoever attached it may have died before it did.
  let announces: Int?
  /// While a turn runs the host agent is not unavailable, only busy.
  let isBusy: Bool
  /// Whether to signal that there is work.
  let wakes: Bool

  /// - Parameters:
  ///   - host: nil when the host session is gone.
  ///   - isStarted: whether the turn that holds its slot has started.
  init(_ state: SessionState, host: HostState?, isStarted: Bool) {
    let attached = host.flatMap { $0.isAttached ? $0 : nil }
    announces = attached.flatMap { state.isHostAway || state.queued > 0 ? $0.fence : nil }
    isBusy = attached?.running != nil && isStarted
    wakes = attached != nil && state.queued > 0
  }
}

/// When a sweeper looks at an entry next, in milliseconds; nil: never again.
enum NextLook {
  /// After the attempt to end a session whose time was over.
  static func afterExpiry(_ outcome: ScriptOutcome, now: Int) throws(SharedSessionError) -> Int? {
    switch outcome {
    // It was extended meanwhile.
    case .refused("not_due", let detail): return detail.first.flatMap(Int.init).map { $0 - now }
    // Somebody else ended it, and sees to the rest.
    case .refused(ErrorCode.sessionInactive.rawValue, _), .repeated: return nil
    case .refused(let word, let detail): throw ScriptOutcome.error(word, detail)
    case .ok(let parts): return try parts.text(3) == "true" ? nil : 0
    }
  }
}
