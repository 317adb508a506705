import SharedSessions
import Testing

@Suite struct EventIDTests {
  @Test(arguments: ["0-0", "1-2", "1700000000000-18446744073709551615"])
  func theUsualFormIsReadAndWritten(text: String) {
    #expect(EventID(text)?.description == text)
  }

  @Test(arguments: [
    "", "-", "1", "1-", "-1", "1-2-3", "+1-2", "1-+2", " 1-2", "1-2 ", "$", "a-b", "18446744073709551616-0", "1--2",
    "١-٢",
  ])
  func anythingElseIsNone(text: String) {
    #expect(EventID(text) == nil)
  }

  @Test func theOrderIsThatOfRedis() {
    let sorted = ["1-0", "1-1", "1-10", "2-0", "10-0"].compactMap { EventID($0) }
    #expect(sorted.shuffled().sorted() == sorted)
  }
}
