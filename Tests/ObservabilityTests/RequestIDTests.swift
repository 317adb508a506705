import Logging
import Synchronization
import Testing

@testable import Observability

@Suite struct RequestIDTests {
  @Test func newOnesAreSixteenDigitsAndDiffer() {
    let ids = (0..<1_000).map { _ in RequestID.new() }
    #expect(Set(ids).count == ids.count)
    for id in ids { #expect(id.wholeMatch(of: #/[0-9a-f]{16}/#) != nil) }
    #expect(ids.allSatisfy(RequestID.isWellFormed))
  }

  @Test(arguments: [
    ("a", true), ("A-z_0.9", true), (String(repeating: "x", count: 64), true), ("", false),
    (String(repeating: "x", count: 65), false), ("a b", false), ("a\n", false), ("é", false), ("a\"", false),
  ])
  func onlyPlainOnesAreTaken(_ text: String, _ isTaken: Bool) {
    #expect(RequestID.isWellFormed(text) == isTaken)
  }

  @Test func itIsOnTheLinesOfItsTaskAndOfThoseItStarts() async {
    let lines = Lines()
    let logger = Logger(label: "test") { label in
      var handler = JSONLogHandler(label: label, output: lines.output)
      handler.metadataProvider = RequestID.metadata
      return handler
    }
    logger.info("outside")
    await RequestID.$current.withValue("r1") {
      logger.info("inside")
      await withTaskGroup { group in group.addTask { logger.info("child") } }
      await Task { logger.info("begun") }.value
      await Task.detached { logger.info("detached") }.value
    }
    #expect(lines.all.map { $0.contains(#""request.id":"r1""#) } == [false, true, true, true, false])
  }
}
