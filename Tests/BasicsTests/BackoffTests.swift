import Testing

@testable import Basics

/// Pauses between attempts.
struct BackoffTests {
  @Test func pausesDoubleUpToTheLongestAndStartAgain() {
    var backoff = Backoff(first: .milliseconds(100), longest: .seconds(1))
    for longest in [100, 200, 400, 800, 1_000, 1_000].map({ Duration.milliseconds($0) }) {
      let pause = backoff.next()
      #expect(pause >= longest / 2 && pause <= longest)
    }
    backoff.reset()
    #expect(backoff.next() <= .milliseconds(100))
  }

  @Test func everyPauseLiesInItsUpperHalf() {
    for _ in 0..<200 {
      var backoff = Backoff(first: .milliseconds(100), longest: .seconds(5))
      let pause = backoff.next()
      #expect(pause >= .milliseconds(50) && pause <= .milliseconds(100))
    }
  }

  @Test func theJitterChoosesFromHalfToAll() {
    for (jitter, expected) in [(0.0, 50), (0.5, 75), (1, 100)] {
      var backoff = Backoff(first: .milliseconds(100))
      #expect(backoff.next(jitter: jitter) == .milliseconds(expected))
    }
  }

  @Test func manyFailuresDoNotOverflow() {
    var backoff = Backoff(first: .milliseconds(100), longest: .seconds(5))
    for _ in 0..<10_000 { _ = backoff.next() }
    let pause = backoff.next()
    #expect(pause >= .milliseconds(2_500) && pause <= .seconds(5))
  }
}
