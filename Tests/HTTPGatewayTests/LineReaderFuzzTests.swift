import Fuzzing
import NIOCore
import TestSupport
import Testing

@testable import HTTPGateway

@Suite struct LineReaderFuzzTests {
  @Test(arguments: FuzzLength.seeds)
  func anyBodyGivesTheSameLinesHoweverItIsCut(seed: UInt64) throws {
    let property = FuzzProperty.lines(name: "bodies", stopsAtTooLong: true, dropsBlank: true) { pieces, maximumBytes in
      var reader = LineReader(maximumBytes: maximumBytes)
      var lines: [FramedLine] = []
      do {
        for piece in pieces {
          lines += try reader.lines(in: piece).map { .complete(Array($0.readableBytesView)) }
        }
      } catch {
        return lines + [.tooLong]
      }
      return lines + (reader.end().map { [.complete(Array($0.readableBytesView))] } ?? [])
    }
    try property.run(rounds: FuzzLength.rounds(200), using: SeededGenerator(seed: seed))
  }
}
