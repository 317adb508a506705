import SharedSessions
import Testing

@testable import EventStreaming

@Suite struct SubscriberStateMachineTests {
  private func subscriber(bufferBytes: Int = 100, isLive: Bool = true) -> SubscriberStateMachine {
    var subscriber = SubscriberStateMachine(after: id(2), participantID: "p", bufferBytes: bufferBytes)
    if isLive { #expect(subscriber.page(nothingMore, endsHere: false) == .nothing) }
    return subscriber
  }

  @Test func aBatchIsWrittenAsItIs() {
    var subscriber = subscriber()
    #expect(subscriber.batch(EventBatch([event(3), event(4)])) == .init(write: .batch))
  }

  @Test func theEndOfTheSessionIsTheLastThingWritten() {
    var subscriber = subscriber()
    let action = subscriber.batch(EventBatch([event(3), event(4, "session_closed"), event(5)]))
    #expect(action == .init(write: .events([event(3), event(4, "session_closed")]), ends: .sessionEnded))
    #expect(subscriber.batch(EventBatch([event(5)])) == .nothing)
  }

  @Test func onlyTheOwnLeavingEndsAStream() {
    var subscriber = subscriber()
    let other = event(3, "participant_left", subject: "q")
    #expect(subscriber.batch(EventBatch([other])) == .init(write: .batch))
    let own = event(4, "participant_left", subject: "p")
    #expect(subscriber.batch(EventBatch([own])) == .init(write: .events([own]), ends: .participantLeft))
  }

  @Test func theEndIsSeenInAReplayToo() {
    var subscriber = subscriber(isLive: false)
    let pages = StreamPage(events: [event(3), event(4, "session_closed")], isLast: false)
    #expect(
      subscriber.page(pages, endsHere: false)
        == .init(write: .events([event(3), event(4, "session_closed")]), ends: .sessionEnded))
  }

  @Test func aSessionThatHadEndedEndsTheStreamAfterItsLastPage() {
    var subscriber = subscriber(isLive: false)
    #expect(
      subscriber.page(page(3...4, isLast: false), endsHere: true)
        == .init(write: .events([event(3), event(4)]), readsPage: true))
    #expect(subscriber.page(nothingMore, endsHere: true) == .init(ends: .sessionEnded))
  }

  @Test func theBudgetCountsOnlyWhileTheClientDoesNotRead() {
    var subscriber = subscriber(bufferBytes: 100)
    #expect(subscriber.wrote(bytes: 1_000, isWritable: true) == .nothing)
    #expect(subscriber.wrote(bytes: 60, isWritable: false) == .nothing)
    #expect(subscriber.wrote(bytes: 60, isWritable: false) == .nothing)
    #expect(subscriber.writabilityChanged(isWritable: true) == .nothing)
    #expect(subscriber.wrote(bytes: 100, isWritable: false) == .nothing)
    #expect(!subscriber.takesHeartbeat)
    #expect(subscriber.wrote(bytes: 100, isWritable: false) == .nothing)
    #expect(subscriber.wrote(bytes: 1, isWritable: false) == .init(ends: .slowConsumer))
    #expect(subscriber.batch(EventBatch([event(3)])) == .nothing)
  }

  @Test func anEventLargerThanTheBudgetReachesASlowClient() {
    var subscriber = subscriber(bufferBytes: 100)
    #expect(subscriber.wrote(bytes: 5_000, isWritable: false) == .nothing)
    #expect(subscriber.writabilityChanged(isWritable: true) == .nothing)
    #expect(subscriber.wrote(bytes: 5_000, isWritable: false) == .nothing)
    #expect(subscriber.wrote(bytes: 5_000, isWritable: false) == .init(ends: .slowConsumer))
  }

  @Test func aReplayWaitsForTheClient() {
    var subscriber = subscriber(isLive: false)
    let first = subscriber.page(page(3...3, isLast: false), endsHere: false)
    #expect(first == .init(write: .events([event(3)]), readsPage: true))
    _ = subscriber.wrote(bytes: 10, isWritable: false)
    let isReadyWhileStalled = subscriber.readyForPage()
    #expect(!isReadyWhileStalled)
    #expect(subscriber.writabilityChanged(isWritable: true) == .init(readsPage: true))
    let isReadyAfterwards = subscriber.readyForPage()
    #expect(isReadyAfterwards)
  }

  @Test func aCursorThatIsNotKeptEndsTheStreamSoThatTheClientIsTold() {
    var subscriber = subscriber(isLive: false)
    #expect(subscriber.page(unknown, endsHere: false) == .init(ends: .gap))
  }

  @Test func aStreamEndsOnce() {
    var subscriber = subscriber()
    #expect(subscriber.finish(.drained) == .init(ends: .drained))
    #expect(subscriber.finish(.clientGone) == .nothing)
    #expect(subscriber.page(page(3...3), endsHere: false) == .nothing)
    #expect(!subscriber.takesHeartbeat)
  }
}
