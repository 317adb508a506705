import Testing

@testable import EventStreaming

@Suite struct StreamConnectionStateMachineTests {
  private func connection(streams: Int = 1, bufferBytes: Int = 100) -> StreamConnectionStateMachine {
    StreamConnectionStateMachine(streams: streams, bufferBytes: bufferBytes)
  }

  @Test func theBudgetCountsOnlyWhileTheClientDoesNotRead() {
    var connection = connection()
    #expect(connection.wrote(bytes: 1_000, isWritable: true) == .none)
    #expect(connection.wrote(bytes: 60, isWritable: false) == .none)
    #expect(connection.wrote(bytes: 60, isWritable: false) == .none)
    #expect(connection.writabilityChanged(isWritable: true) == .none)
    #expect(connection.wrote(bytes: 100, isWritable: false) == .none)
    #expect(!connection.takesHeartbeat)
    #expect(connection.wrote(bytes: 100, isWritable: false) == .none)
    #expect(connection.wrote(bytes: 1, isWritable: false) == .end(.slowConsumer))
    #expect(connection.wrote(bytes: 1, isWritable: false) == .none)
  }

  @Test func anEventLargerThanTheBudgetReachesASlowClient() {
    var connection = connection()
    #expect(connection.wrote(bytes: 5_000, isWritable: false) == .none)
    #expect(connection.writabilityChanged(isWritable: true) == .none)
    #expect(connection.wrote(bytes: 5_000, isWritable: false) == .none)
    #expect(connection.wrote(bytes: 5_000, isWritable: false) == .end(.slowConsumer))
  }

  @Test func pagesAreReadOneAtATimeAndInTurn() {
    var connection = connection(streams: 3)
    #expect(connection.wantsPage(0) == .read(0))
    #expect(connection.wantsPage(1) == .none)
    #expect(connection.wantsPage(2) == .none)
    #expect(connection.wantsPage(0) == .none)
    #expect(connection.pageArrived() == .read(1))
    #expect(connection.pageArrived() == .read(2))
    #expect(connection.wantsPage(2) == .none)
    #expect(connection.pageArrived() == .read(0))
    #expect(connection.pageArrived() == .read(2))
    #expect(connection.pageArrived() == .none)
  }

  @Test func aReplayWaitsForTheClient() {
    var connection = connection()
    #expect(connection.wantsPage(0) == .read(0))
    #expect(connection.wrote(bytes: 10, isWritable: false) == .none)
    #expect(connection.wantsPage(0) == .none)
    #expect(connection.pageArrived() == .none)
    #expect(connection.writabilityChanged(isWritable: true) == .read(0))
  }

  @Test func itEndsWithItsLastStreamAndForWhatConcernsAll() {
    var several = connection(streams: 2)
    #expect(several.ended(0, .participantLeft) == .none)
    #expect(several.ended(1, .sessionEnded) == .end(.sessionEnded))
    #expect(!several.takesHeartbeat)
    for reason in StreamEnd.allCases where !reason.isOfSession {
      var connection = connection(streams: 2)
      #expect(connection.ended(0, reason) == .end(reason))
      #expect(connection.ended(1, .sessionEnded) == .none)
      #expect(connection.wantsPage(0) == .none)
    }
  }

  @Test func aStreamThatEndsGivesUpItsTurn() {
    var connection = connection(streams: 3)
    #expect(connection.wantsPage(0) == .read(0))
    #expect(connection.wantsPage(1) == .none)
    #expect(connection.wantsPage(2) == .none)
    #expect(connection.ended(1, .sessionEnded) == .none)
    #expect(connection.pageArrived() == .read(2))
  }

  @Test func aPositionIsOwedUntilAnIDIsWrittenAndNotOwedForLong() {
    var connection = connection()
    #expect(!connection.owesPosition)
    let once = connection.passed(over: 3, writesID: false)
    #expect(!once)
    #expect(connection.owesPosition)
    _ = connection.passed(over: 0, writesID: true)
    #expect(!connection.owesPosition)
    _ = connection.passed(over: 2, writesID: true)
    #expect(connection.owesPosition)
    let many = connection.passed(over: StreamConnectionStateMachine.mostPassedOver, writesID: false)
    #expect(many)
    connection.toldPosition()
    #expect(!connection.owesPosition)
  }

  @Test func aPageThatArrivesWhenTheRoomHasGoneCutsNobodyOff() {
    var machine = StreamConnectionStateMachine(streams: 2, bufferBytes: 100)
    #expect(machine.wantsPage(0) == .read(0))
    #expect(machine.wrote(bytes: 5_000, isWritable: false) == .none)
    #expect(machine.wrote(bytes: 5_000, ofPage: true, isWritable: false) == .none)
    #expect(machine.wantsPage(0) == .none)
    #expect(machine.pageArrived() == .none)
    #expect(machine.wrote(bytes: 100, isWritable: false) == .none)
    #expect(machine.wrote(bytes: 1, isWritable: false) == .end(.slowConsumer))
  }
}
