import Fuzzing
import TestSupport
import Testing

@Suite struct FuzzTests {
  @Test(arguments: FuzzLength.seeds)
  func whatIsReadAgreesWithFoundationAndIsWrittenAsItWas(seed: UInt64) throws {
    try FuzzProperty.jsonText.run(rounds: FuzzLength.rounds(400), using: SeededGenerator(seed: seed))
  }
}
