import SharedSessions

/// Why a stream ended.
enum StreamEnd: String, Sendable, CaseIterable {
  /// The session was closed or expired; its last event has been written.
  case sessionEnded = "session_ended"
  /// The participant left or was removed.
  case participantLeft = "participant_left"
  /// The client reads too slowly: more than the byte budget is waiting for it.
  case slowConsumer = "slow_consumer"
  /// The client closed its side or its connection.
  case clientGone = "client_gone"
  /// The node is shutting down.
  case drained = "drained"
  /// Events were lost in Redis; the client resumes by its cursor and is told.
  case gap = "gap"
  /// Redis could not be read.
  case failed = "failed"

  /// Whether nothing more comes of this session, while others of the same connection go on. All else ends the
  /// connection: its client has to resume.
  var isOfSession: Bool { self == .sessionEnded || self == .participantLeft }
}

/// One client's interest in one session. It decides what of the session's events is written and when it ends. A
/// value.
///
/// What it may see follows the events themselves: one that changes a role or what viewers see counts for those after it.
struct StreamSubscriptionStateMachine {
  private var join: ReplayJoinStateMachine
  private let participantID: String?
  private let types: EventTypeFilter?
  private var visibility: EventVisibility
  private var end: StreamEnd?

  /// - Parameters:
  ///   - position: what the client has already.
  ///   - participantID: whose leaving ends the stream; nil for none.
  ///   - types: what it wants; nil for all.
  ///   - visibility: what it may see.
  ///   - heldEvents: how many live events may wait for the replay.
  ///   - heldBytes: how many bytes of them.
  init(
    after position: EventID, participantID: String?, types: EventTypeFilter? = nil,
    visibility: EventVisibility = .everything, heldEvents: Int = 256, heldBytes: Int = 1 << 20
  ) {
    self.join = ReplayJoinStateMachine(after: position, heldEvents: heldEvents, heldBytes: heldBytes)
    self.participantID = participantID
    self.types = types
    self.visibility = visibility
  }

  /// What has been handed to the stream, or passed over because it is not for this client.
  var position: EventID { join.position }
  /// Whether it follows live events.
  var isLive: Bool { join.isLive }
  /// Whether nothing more comes.
  var hasEnded: Bool { end != nil }

  /// An event of a batch, in a view.
  struct Chosen: Equatable {
    let index: Int
    let view: StreamView
  }

  /// What the driver does: write, then read or end. A value with nothing in it does nothing.
  struct Action: Equatable {
    enum Write: Equatable {
      /// All that a view has of the batch, in the bytes that are shared by all streams.
      case batch(StreamView)
      /// A part of the batch.
      case chosen([Chosen])
      /// These events, as they are.
      case events([StoredEvent])
    }

    var write: Write?
    /// How many events behind the last one that is written have an id and are not for this client.
    var passedOver = 0
    /// How many events were not held for the replay, which will read them.
    var dropped = 0
    var readsPage = false
    var ends: StreamEnd?

    static let nothing = Action()
  }

  /// A page of the session's stream, read after `position`.
  ///
  /// - Parameter endsHere: whether nothing follows the last page, because the session ended earlier.
  mutating func page(_ page: EventPage, endsHere: Bool) -> Action {
    guard end == nil else { return .nothing }
    switch join.page(page) {
    case .gap: return finish(.gap)
    case .deliver(let events): return writing(events, thenReads: true)
    case .goLive(let events):
      var action = writing(events, thenReads: false)
      if endsHere, end == nil {
        end = .sessionEnded
        action.ends = .sessionEnded
      }
      return action
    }
  }

  /// Live events; all streams of a session get the same batch and the same frames.
  mutating func batch(_ batch: EventBatch, _ frames: inout BatchFrames) -> Action {
    guard end == nil else { return .nothing }
    switch join.live(batch) {
    case .hold(let dropped): return Action(dropped: dropped)
    case .deliver(let events): return writing(events, thenReads: false)
    case .deliverAll:
      guard types == nil, batch.changes.isEmpty, !batch.holdsEnd else { return choosing(batch, &frames) }
      return whole(&frames)
    }
  }

  /// Ends it for a reason from outside.
  mutating func finish(_ reason: StreamEnd) -> Action {
    guard end == nil else { return .nothing }
    end = reason
    return Action(ends: reason)
  }

  private var view: StreamView { visibility.isReduced ? .reduced : .whole }

  private func whole(_ frames: inout BatchFrames) -> Action {
    guard view == .reduced else { return Action(write: .batch(.whole)) }
    let isEmpty = frames.count(.reduced) == 0
    return Action(write: isEmpty ? nil : .batch(.reduced), passedOver: frames.withheldAtEnd(.reduced))
  }

  /// Looks at each event of a batch, with what the ones before it change.
  private mutating func choosing(_ batch: EventBatch, _ frames: inout BatchFrames) -> Action {
    var chosen: [Chosen] = []
    var passedOver = 0
    for (index, event) in batch.events.enumerated() {
      let view = view
      if takes(event), frames.holds(index, in: view) {
        chosen.append(Chosen(index: index, view: view))
        if event.position != nil { passedOver = 0 }
      } else if event.position != nil {
        passedOver += 1
      }
      if let change = batch.changes[index], let id = event.position?.id { visibility.passed(change, at: id) }
      if let reason = reasonToEnd(after: event) {
        end = reason
        break
      }
    }
    // The usual case: somebody else left, or a change that does not concern this client. The bytes can be shared.
    let isAll = chosen.count == batch.events.count && chosen.allSatisfy { $0.view == chosen[0].view }
    let write: Action.Write? = chosen.isEmpty ? nil : isAll ? .batch(chosen[0].view) : .chosen(chosen)
    return Action(write: write, passedOver: passedOver, ends: end)
  }

  /// The same for events that no other stream gets now: of a replay, or of a batch that was partly replayed.
  private mutating func writing(_ events: [StoredEvent], thenReads: Bool) -> Action {
    var written: [StoredEvent] = []
    written.reserveCapacity(events.count)
    var passedOver = 0
    for event in events {
      let seen = !takes(event) ? nil : visibility.isReduced ? event.reduced : event
      if let seen { written.append(seen) }
      if let id = event.position?.id {
        passedOver = seen == nil ? passedOver + 1 : 0
        if let change = event.visibilityChange { visibility.passed(change, at: id) }
      }
      if let reason = reasonToEnd(after: event) {
        end = reason
        break
      }
    }
    return Action(
      write: written.isEmpty ? nil : .events(written), passedOver: passedOver, readsPage: thenReads && end == nil,
      ends: end)
  }

  private func takes(_ event: StoredEvent) -> Bool { types?.takes(event.type) ?? true }

  /// Why nothing after an event is for this client.
  private func reasonToEnd(after event: StoredEvent) -> StreamEnd? {
    if event.type == "session_closed" { return .sessionEnded }
    if event.type == "participant_left", let participantID, event.subject == participantID { return .participantLeft }
    return nil
  }
}
