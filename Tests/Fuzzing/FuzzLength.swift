internal import Foundation

/// How long the tests with mutated inputs run; functions of the environment.
public enum FuzzLength {
  /// Few inputs by default, so that every run of the tests takes them along; TANDEM_FUZZ_ROUNDS multiplies them.
  public static func rounds(_ rounds: Int) -> Int { rounds * max(1, number("TANDEM_FUZZ_ROUNDS") ?? 1) }

  /// Four seeds that follow each other, the same ones every time unless TANDEM_FUZZ_SEED names the first.
  public static var seeds: [UInt64] {
    let first = UInt64(clamping: number("TANDEM_FUZZ_SEED") ?? 1)
    return (0..<4).map { first &+ $0 }
  }

  private static func number(_ name: String) -> Int? {
    ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
  }
}
