internal import NIOCore

/// Calls a closure again and again on an event loop until it is cancelled. Confined to that event loop.
final class RepeatingTimer {
  private let eventLoop: any EventLoop
  private let interval: TimeAmount
  private var body: (() -> Void)?
  private var next: Scheduled<Void>?

  /// A timer that first fires after one interval.
  init(on eventLoop: any EventLoop, every interval: TimeAmount, _ body: @escaping () -> Void) {
    self.eventLoop = eventLoop
    self.interval = interval
    self.body = body
    schedule()
  }

  /// Never fires again, and lets go of the closure.
  func cancel() {
    next?.cancel()
    body = nil
  }

  private func schedule() {
    next = eventLoop.assumeIsolated().scheduleTask(in: interval) {
      guard let body = self.body else { return }
      body()
      if self.body != nil { self.schedule() }
    }
  }
}
