import Fuzzing
import TestSupport
import Testing

@Suite("Mutated replies")
struct FuzzTests {
  @Test(
    "any bytes give the same replies or the same error, however they are cut", arguments: FuzzLength.seeds)
  func mutated(seed: UInt64) throws {
    try FuzzProperty.redisReplies.run(rounds: FuzzLength.rounds(200), using: SeededGenerator(seed: seed))
  }
}
