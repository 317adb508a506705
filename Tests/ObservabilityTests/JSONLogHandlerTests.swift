import Foundation
import Logging
import Synchronization
import Testing

@testable import Observability

/// Collects what is written.
final class Lines: Sendable {
  private let box = Mutex<[String]>([])
  var all: [String] { box.withLock { $0 } }
  var output: LogOutput { LogOutput { line in self.box.withLock { $0.append(line) } } }
}

@Suite struct JSONLogHandlerTests {
  private let lines = Lines()

  private func logger(_ metadata: Logger.Metadata = [:]) -> Logger {
    var logger = Logger(label: "test.logger") { label in
      JSONLogHandler(label: label, output: lines.output, now: { Date(timeIntervalSince1970: 1_700_000_000.25) })
    }
    for (key, value) in metadata { logger[metadataKey: key] = value }
    return logger
  }

  private func object(_ line: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
  }

  @Test func aLineIsOneObjectWithTheFieldsInOrder() {
    logger(["session.id": "s"]).warning("it broke", metadata: ["error": "why"])
    #expect(
      lines.all == [
        #"{"time":"2023-11-14T22:13:20.250Z","level":"warning","logger":"test.logger","message":"it broke","error":"why","session.id":"s"}"#
          + "\n"
      ])
  }

  @Test func textCannotForgeALine() throws {
    logger().info("a\n{\"level\":\"fake\"}\u{2028}\u{202E}\u{85}\u{7F}\u{0}\"\\", metadata: ["k\n": "v\r\n"])
    let line = try #require(lines.all.first)
    #expect(lines.all.count == 1)
    #expect(line.filter { $0.isNewline }.count == 1)
    #expect(!line.unicodeScalars.contains("\u{202E}"))
    let object = try object(line)
    #expect(object["message"] as? String == "a\n{\"level\":\"fake\"}\u{2028}\u{202E}\u{85}\u{7F}\u{0}\"\\")
    #expect(object["k\n"] as? String == "v\r\n")
    #expect(object["level"] as? String == "info")
  }

  @Test func metadataCannotHideTheFixedFields() throws {
    logger().info("true", metadata: ["message": "false", "level": "none"])
    let object = try object(try #require(lines.all.first))
    #expect(object["message"] as? String == "true")
    #expect(object["meta.message"] as? String == "false")
    #expect(object["meta.level"] as? String == "none")
  }

  @Test func nestedMetadataIsNested() throws {
    logger().info("x", metadata: ["list": ["a", "b"], "map": ["k": .stringConvertible(3)]])
    let object = try object(try #require(lines.all.first))
    #expect(object["list"] as? [String] == ["a", "b"])
    #expect(object["map"] as? [String: String] == ["k": "3"])
  }

  @Test func levelsBelowTheChosenOneAreNotWritten() {
    var logger = logger()
    logger.logLevel = .error
    logger.warning("no")
    logger.error("yes")
    #expect(lines.all.count == 1)
  }
}
