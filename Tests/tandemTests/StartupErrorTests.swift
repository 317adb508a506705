import SharedSessions
import Testing

@testable import tandem

@Suite struct StartupErrorTests {
  @Test func dataOfAnotherLayoutIsAMatterOfConfiguration() {
    let error = StartupError(
      layout: SharedSessionError(.invalidField, "layout 1 is older than what this program reads"), redis: "r:6379")
    #expect(error.status == ExitStatus.configuration)
    #expect(error.message == "the data in Redis at r:6379: layout 1 is older than what this program reads")
  }

  @Test(arguments: [ErrorCode.unavailable, .outcomeUnknown])
  func aRedisThatGivesNoAnswerIsUnavailable(code: ErrorCode) {
    let error = StartupError(layout: SharedSessionError(code), redis: "r:6379")
    #expect(error.status == ExitStatus.unavailable)
    #expect(error.message.contains("r:6379"))
  }
}
