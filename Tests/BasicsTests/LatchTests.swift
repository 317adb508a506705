import Synchronization
import Testing

@testable import Basics

/// Something that happens once.
struct LatchTests {
  @Test func everybodyWhoWaitsGoesOnAndNobodyWaitsAfterIt() async {
    let latch = Latch()
    #expect(!latch.isSet)
    await withDiscardingTaskGroup { group in
      for _ in 0..<20 { group.addTask { await latch.wait() } }
      group.addTask { latch.set() }
    }
    #expect(latch.isSet)
    latch.set()
    await latch.wait()
  }

  @Test func aCancelledTaskWaitsNoLonger() async {
    let latch = Latch()
    let waiting = Task { await latch.wait() }
    waiting.cancel()
    await waiting.value
    #expect(!latch.isSet)
  }

  @Test func anActionRunsOnceUnlessItIsTakenBack() {
    let latch = Latch()
    let runs = Mutex<[String]>([])
    let forget = latch.whenSet { runs.withLock { $0.append("forgotten") } }
    let keep = latch.whenSet { runs.withLock { $0.append("kept") } }
    forget()
    latch.set()
    latch.set()
    keep()
    _ = latch.whenSet { runs.withLock { $0.append("late") } }
    #expect(runs.withLock { $0 } == ["kept", "late"])
  }

  /// Setting and cancelling at once resumes each of them exactly once, or the program would stop or hang.
  @Test func settingAndCancellingAtOnceEndsEveryWait() async {
    for _ in 0..<200 {
      let latch = Latch()
      let waiting = (0..<4).map { _ in Task { await latch.wait() } }
      async let setting: Void = latch.set()
      for task in waiting { task.cancel() }
      for task in waiting { await task.value }
      await setting
    }
  }
}
