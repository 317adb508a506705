import Fuzzing
import NIOCore
import TestSupport
import Testing

@testable import Basics

@Suite struct LineFramerFuzzTests {
  @Test(arguments: FuzzLength.seeds)
  func anyBytesGiveTheSameLinesHoweverTheyAreCut(seed: UInt64) throws {
    let property = FuzzProperty.lines(name: "lines", stopsAtTooLong: false, dropsBlank: false) { pieces, maximumBytes in
      var framer = LineFramer(maximumBytes: maximumBytes)
      var lines = pieces.flatMap { framer.append($0) }
      lines += framer.end()
      return lines.map { line in
        switch line {
        case .complete(let bytes): .complete(Array(bytes.readableBytesView))
        case .tooLong: .tooLong
        }
      }
    }
    try property.run(rounds: FuzzLength.rounds(200), using: SeededGenerator(seed: seed))
  }
}
