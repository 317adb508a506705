import Fuzzing
import TestSupport
import Testing

@Suite struct FuzzTests {
  @Test(arguments: FuzzLength.seeds)
  func anyStreamIsReadByTheRulesHoweverItIsCut(seed: UInt64) throws {
    try FuzzProperty.serverSentEvents.run(rounds: FuzzLength.rounds(200), using: SeededGenerator(seed: seed))
  }
}
