import NIOCore
import SharedSessions
import Testing

@testable import EventStreaming

@Suite struct StreamSubscriptionStateMachineTests {
  private func subscriber(
    isLive: Bool = true, types: String? = nil, role: Role = .viewer, updates: ViewerUpdates = .all
  ) throws -> StreamSubscriptionStateMachine {
    var subscriber = StreamSubscriptionStateMachine(
      after: id(2), participantID: "p", types: try types.flatMap { try EventTypeFilter($0) },
      visibility: EventVisibility(participantID: "p", role: role, viewerUpdates: updates, asOf: id(2)))
    if isLive { #expect(subscriber.page(nothingMore, endsHere: false) == .nothing) }
    return subscriber
  }

  private func deliver(_ events: [StoredEvent], to subscriber: inout StreamSubscriptionStateMachine)
    -> StreamSubscriptionStateMachine.Action
  {
    var frames = BatchFrames(events)
    return subscriber.batch(EventBatch(events), &frames)
  }

  private func chosen(_ places: (Int, StreamView)...) -> StreamSubscriptionStateMachine.Action.Write {
    .chosen(places.map { .init(index: $0.0, view: $0.1) })
  }

  @Test func aBatchIsWrittenAsItIs() throws {
    var subscriber = try subscriber()
    #expect(deliver([event(3), event(4)], to: &subscriber) == .init(write: .batch(.whole)))
  }

  @Test func theEndOfTheSessionIsTheLastThingWritten() throws {
    var subscriber = try subscriber()
    let action = deliver([event(3), event(4, "session_closed"), event(5)], to: &subscriber)
    #expect(action == .init(write: chosen((0, .whole), (1, .whole)), ends: .sessionEnded))
    #expect(deliver([event(5)], to: &subscriber) == .nothing)
    #expect(subscriber.hasEnded)
  }

  @Test func onlyTheOwnLeavingEndsAStream() throws {
    var subscriber = try subscriber()
    #expect(deliver([event(3, "participant_left", subject: "q")], to: &subscriber) == .init(write: .batch(.whole)))
    let own = deliver([event(4, "participant_left", subject: "p"), event(5)], to: &subscriber)
    #expect(own == .init(write: chosen((0, .whole)), ends: .participantLeft))
  }

  @Test func theEndIsSeenInAReplayToo() throws {
    var subscriber = try subscriber(isLive: false)
    let pages = EventPage(events: [event(3), event(4, "session_closed"), event(5)], reachedEnd: false)
    #expect(
      subscriber.page(pages, endsHere: false)
        == .init(write: .events([event(3), event(4, "session_closed")]), ends: .sessionEnded))
  }

  @Test func aSessionThatHadEndedEndsTheStreamAfterItsLastPage() throws {
    var subscriber = try subscriber(isLive: false)
    #expect(
      subscriber.page(page(3...4, isLast: false), endsHere: true)
        == .init(write: .events([event(3), event(4)]), readsPage: true))
    #expect(subscriber.page(nothingMore, endsHere: true) == .init(ends: .sessionEnded))
  }

  @Test func aCursorThatIsNotKeptEndsTheStreamSoThatTheClientIsTold() throws {
    var subscriber = try subscriber(isLive: false)
    #expect(subscriber.page(unknown, endsHere: false) == .init(ends: .gap))
  }

  @Test func aStreamEndsOnce() throws {
    var subscriber = try subscriber()
    #expect(subscriber.finish(.gap) == .init(ends: .gap))
    #expect(subscriber.finish(.failed) == .nothing)
    #expect(subscriber.page(page(3...3), endsHere: false) == .nothing)
  }

  // MARK: Types

  @Test func onlyTheTypesAskedForAreWrittenAndTheRestCounts() throws {
    var subscriber = try subscriber(types: "message_created")
    let batch = [event(3, "host_online"), event(4), event(5, "host_offline"), event(6, "host_online"), passing()]
    #expect(deliver(batch, to: &subscriber) == .init(write: chosen((1, .whole)), passedOver: 2))
    #expect(deliver([event(7, "host_online")], to: &subscriber) == .init(passedOver: 1))
    #expect(subscriber.position == id(7))
    #expect(deliver([event(8), event(9)], to: &subscriber) == .init(write: .batch(.whole)))
  }

  @Test func theEndComesThroughAnyFilter() throws {
    var live = try subscriber(types: "message_created")
    #expect(
      deliver([event(3, "participant_left", subject: "p")], to: &live) == .init(passedOver: 1, ends: .participantLeft))
    var closed = try subscriber(types: "message_created")
    #expect(
      deliver([event(3, "session_closed")], to: &closed) == .init(write: .batch(.whole), ends: .sessionEnded))
    var replayed = try subscriber(isLive: false, types: "message_created")
    let pages = EventPage(events: [event(3, "host_online"), event(4), event(5, "host_online")], reachedEnd: false)
    #expect(
      replayed.page(pages, endsHere: false) == .init(write: .events([event(4)]), passedOver: 1, readsPage: true))
  }

  // MARK: What viewers see

  @Test func whoSeesLessGetsTheSharedReducedBytes() throws {
    var subscriber = try subscriber(updates: .reduced)
    #expect(deliver([event(3), thought(4)], to: &subscriber) == .init(write: .batch(.reduced), passedOver: 1))
    #expect(deliver([thought(5), thought(6)], to: &subscriber) == .init(passedOver: 2))
    #expect(subscriber.position == id(6))
    var collaborator = try self.subscriber(role: .collaborator, updates: .reduced)
    #expect(deliver([event(3), thought(4)], to: &collaborator) == .init(write: .batch(.whole)))
  }

  @Test func aChangeCountsForTheEventsAfterItInTheSameBatch() throws {
    var subscriber = try subscriber()
    let less = [thought(3), setting(4, .reduced), thought(5), setting(6, .all), thought(7)]
    let action = deliver(less, to: &subscriber)
    #expect(action == .init(write: chosen((0, .whole), (1, .whole), (3, .reduced), (4, .whole))))
    let roles = [role(8, .collaborator), setting(9, .reduced), thought(10), role(11, .viewer), thought(12)]
    #expect(
      deliver(roles, to: &subscriber)
        == .init(write: chosen((0, .whole), (1, .whole), (2, .whole), (3, .whole)), passedOver: 1))
    let others = [role(13, .collaborator, of: "q"), thought(14)]
    #expect(deliver(others, to: &subscriber) == .init(write: chosen((0, .reduced)), passedOver: 1))
  }

  @Test func whatWasSetBeforeTheStreamWasAskedForDoesNotCountInItsReplay() throws {
    var subscriber = StreamSubscriptionStateMachine(
      after: id(2), participantID: "p",
      visibility: EventVisibility(participantID: "p", role: .viewer, viewerUpdates: .reduced, asOf: id(5)))
    let replay = EventPage(events: [setting(3, .all), thought(4), setting(5, .all), thought(6)], reachedEnd: false)
    #expect(
      subscriber.page(replay, endsHere: false)
        == .init(write: .events([setting(3, .all), setting(5, .all)]), passedOver: 1, readsPage: true))
    let rest = EventPage(events: [setting(7, .all), thought(8)], reachedEnd: true)
    #expect(subscriber.page(rest, endsHere: false) == .init(write: .events([setting(7, .all), thought(8)])))
  }

  /// However a sequence is cut into replay and batches, a client gets the same.
  @Test func theSeamBetweenReplayAndLiveChangesNothing() throws {
    let events = [
      thought(3), setting(4, .reduced), thought(5), event(6), role(7, .collaborator), thought(8), role(9, .viewer),
      thought(10), setting(11, .all), thought(12),
    ]
    let expected = [3, 4, 6, 7, 8, 9, 11, 12]
    for replayed in 0...events.count {
      for batchSize in 1...4 {
        var subscriber = try subscriber(isLive: false)
        var seen = numbers(
          subscriber.page(EventPage(events: Array(events[..<replayed]), reachedEnd: true), endsHere: false), of: [])
        var rest = Array(events[replayed...])
        while !rest.isEmpty {
          let batch = Array(rest.prefix(batchSize))
          rest.removeFirst(batch.count)
          seen += numbers(deliver(batch, to: &subscriber), of: batch)
        }
        #expect(seen == expected, "\(replayed) replayed, then \(batchSize) at a time")
      }
    }
  }

  private func numbers(_ action: StreamSubscriptionStateMachine.Action, of batch: [StoredEvent]) -> [Int] {
    var frames = BatchFrames(batch)
    let events: [StoredEvent] =
      switch action.write {
      case nil: []
      case .events(let events)?: events
      case .batch(let view)?: batch.indices.filter { frames.holds($0, in: view) }.map { batch[$0] }
      case .chosen(let chosen)?: chosen.map { batch[$0.index] }
      }
    return events.compactMap { $0.position.map { Int($0.sequence) } }
  }
}
