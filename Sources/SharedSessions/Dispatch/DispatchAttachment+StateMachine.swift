internal import NIOCore

extension DispatchAttachment {
  /// Decides what an open attachment does about each thing that happens to it. A value; the attachment carries it out.
  ///
  /// It knows what was delivered, which cancel was passed on, the work that was counted so far, and whether a look is under
  /// way. A look answers what a lost signal would have told, but for the answers to requests, for which the bridge asks by itself.
  struct StateMachine: Sendable {
    enum Event: Sendable, Hashable {
      /// The response is open.
      case attached
      /// A signal told of work.
      case lookWanted
      /// Signals may have been missed.
      case resubscribed
      case looked(DispatchStep.Next)
      case lookFailed
      /// The lease was renewed; the number of times somebody told of work so far.
      case renewed(wakes: String)
      case renewalFailed
      /// The lease has lapsed, or belongs to a newer attachment.
      case renewalRefused
      case fenceSeen(Int)
      case gone
      case cancelAsked(String)
      case requestResolved(RequestReference)
      /// The answer to a request, as the bridge is told; nil: there is none to tell.
      case requestRead(RequestNews?)
      case requestReadFailed
      /// A turn found running could have been claimed until now.
      case unclaimedTimeOver
      case unclaimedEnded
      case unclaimedEndFailed
      /// The bridge does not read its messages.
      case messageDropped
      /// More signals came than are kept.
      case signalsDropped
    }

    enum Action: Sendable, Hashable {
      case send(Message)
      /// Look at the queue, given what was delivered.
      case look(DeliveredDispatch?, afterPause: Bool)
      case readRequest(RequestReference, afterPause: Bool)
      case failIfUnclaimed
      case end
    }

    /// A message for the bridge.
    enum Message: Sendable, Hashable {
      case attached(fence: Int)
      case dispatch(ByteBuffer)
      case cancel(String)
      case request(RequestNews)
    }

    private enum Looking {
      case idle
      /// A look is under way; `again`: something happened since it began.
      case underWay(again: Bool)
    }

    /// Answers are told behind what the signals before theirs led to, so they wait for so many looks, and no longer.
    private enum Reading {
      case idle
      case held(looks: Int)
      case underWay
    }

    /// What has become of a turn that nobody has claimed.
    private enum Claim {
      case none, open, ending, owed
    }

    private let fence: Int
    private var isOver = false
    private var looking = Looking.idle
    private var delivered: DeliveredDispatch?
    /// The dispatch whose cancel the bridge has heard of last.
    private var passedOn: String?
    /// A cancel that came while a look was under way: it must not overtake the dispatch that the look may deliver.
    private var heldCancel: String?
    /// The wakes that a look has followed.
    private var wakes: String?
    /// Whether Redis was away, so that there may be work that no signal told of.
    private var owesLook = false
    private var claim: Claim
    /// Answers to be read, and whether the first is being read.
    private var requests: [RequestReference] = []
    private var reading = Reading.idle

    /// Answers that may wait to be read; more than one turn's requests are never out at a time.
    static let requestsAtMost = 1_024

    init(fence: Int, isUnclaimed: Bool) {
      self.fence = fence
      claim = isUnclaimed ? .open : .none
    }

    mutating func handle(_ event: Event) -> [Action] {
      guard !isOver else { return [] }
      switch event {
      case .attached: return [.send(.attached(fence: fence))] + look()
      case .lookWanted, .resubscribed: return look()
      case .looked(let next): return looked(next)
      case .lookFailed:
        // Whatever came meanwhile is answered by the next try.
        looking = .underWay(again: false)
        return [.look(delivered, afterPause: true)] + read(afterLooks: 0)
      case .renewed(let wakes): return renewed(wakes)
      case .renewalFailed:
        owesLook = true
        return []
      case .fenceSeen(let newer): return newer > fence ? end() : []
      case .renewalRefused, .gone, .messageDropped, .signalsDropped: return end()
      case .cancelAsked(let id): return cancel(id)
      case .requestResolved, .requestRead, .requestReadFailed: return request(event)
      case .unclaimedTimeOver:
        guard case .open = claim else { return [] }
        claim = .ending
        return [.failIfUnclaimed]
      case .unclaimedEnded:
        claim = .none
        return []
      case .unclaimedEndFailed:
        claim = .owed
        return []
      }
    }

    private mutating func end() -> [Action] {
      isOver = true
      return [.end]
    }

    private mutating func look() -> [Action] {
      guard case .idle = looking else {
        looking = .underWay(again: true)
        return []
      }
      looking = .underWay(again: false)
      return [.look(delivered, afterPause: false)]
    }

    private mutating func looked(_ next: DispatchStep.Next) -> [Action] {
      guard case .underWay(let again) = looking else { return [] }
      looking = .idle
      var actions: [Action] = []
      switch next {
      case .fenced, .gone: return end()
      case .deliver(let dispatch, let payload, let isCancelled):
        delivered = dispatch
        actions.append(.send(.dispatch(payload)))
        // Handed out again, it must be cancelled again.
        if isCancelled || passedOn == dispatch.id { actions.append(passOn(dispatch.id)) }
      case .idle(let cancelling?) where cancelling != passedOn:
        // A cancel no signal told of: it was asked for while no bridge was attached, or the signal was lost.
        actions.append(passOn(cancelling))
      case .idle: break
      }
      if let held = heldCancel {
        heldCancel = nil
        if passedOn != held { actions.append(passOn(held)) }
      }
      if case .held(let looks) = reading { actions += read(afterLooks: looks - 1) }
      return again ? actions + look() : actions
    }

    private mutating func renewed(_ now: String) -> [Action] {
      var actions: [Action] = []
      if now != wakes || owesLook {
        // Work that no signal told of: the one who queued it has counted it.
        (wakes, owesLook) = (now, false)
        actions += look()
      }
      if case .owed = claim {
        claim = .ending
        actions.append(.failIfUnclaimed)
      }
      return actions
    }

    private mutating func cancel(_ id: String) -> [Action] {
      if case .underWay = looking, id != delivered?.id {
        heldCancel = id
        return []
      }
      return [passOn(id)]
    }

    private mutating func passOn(_ id: String) -> Action {
      passedOn = id
      return .send(.cancel(id))
    }

    private var isReading: Bool { if case .underWay = reading { true } else { false } }

    private mutating func request(_ event: Event) -> [Action] {
      switch event {
      case .requestResolved(let reference):
        // One that waits for its turn will be read as it is then.
        guard !requests.dropFirst(isReading ? 1 : 0).contains(reference) else { return [] }
        guard requests.count < Self.requestsAtMost else { return end() }
        requests.append(reference)
        guard case .idle = reading else { return [] }
        guard case .underWay(let again) = looking else { return read(afterLooks: 0) }
        return read(afterLooks: again ? 2 : 1)
      case .requestRead(let payload):
        reading = .idle
        if !requests.isEmpty { requests.removeFirst() }
        return (payload.map { [.send(.request($0))] } ?? []) + read(afterLooks: 0)
      default: return requests.first.map { [.readRequest($0, afterPause: true)] } ?? []
      }
    }

    /// Reads the first answer that waits, now or after some looks.
    private mutating func read(afterLooks looks: Int) -> [Action] {
      if case .underWay = reading { return [] }
      guard let first = requests.first else { return [] }
      guard looks <= 0 else {
        reading = .held(looks: looks)
        return []
      }
      reading = .underWay
      return [.readRequest(first, afterPause: false)]
    }
  }

  /// A request of the agent, and the session it was asked in. A value.
  struct RequestReference: Sendable, Hashable {
    let session: String
    let approval: String
  }

  /// What has become of a request of the agent, as the bridge is told. A value.
  struct RequestNews: Sendable, Hashable {
    let kind: RequestKind
    let payload: ByteBuffer
  }
}
