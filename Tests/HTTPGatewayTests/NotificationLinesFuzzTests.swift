import Basics
import Fuzzing
import NIOCore
import TestSupport
import Testing

@testable import HTTPGateway

@Suite struct NotificationLinesFuzzTests {
  @Test(arguments: FuzzLength.seeds)
  func anyBodyGivesTheSameLinesHoweverItIsCut(seed: UInt64) throws {
    let property = FuzzProperty.lines(name: "bodies", stopsAtTooLong: true, dropsBlank: true) { pieces, maximumBytes in
      var framer = LineFramer(maximumBytes: maximumBytes)
      var lines: [FramedLine] = []
      do {
        for piece in pieces {
          lines += try Notifications.lines(framer.append(piece), maximumBytes).map {
            .complete(Array($0.readableBytesView))
          }
        }
        lines += try Notifications.lines(framer.end(), maximumBytes).map { .complete(Array($0.readableBytesView)) }
      } catch {
        return lines + [.tooLong]
      }
      return lines
    }
    try property.run(rounds: FuzzLength.rounds(200), using: SeededGenerator(seed: seed))
  }
}
