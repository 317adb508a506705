public import NIOCore

/// Runs tasks on one event loop, as the server pins a connection's task to its loop.
///
/// Sendable: immutable. Use it with `withTaskExecutorPreference`.
public final class EventLoopTaskExecutor: TaskExecutor {
  /// The loop that its tasks run on.
  public let eventLoop: any EventLoop

  /// An executor for a loop.
  public init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

  /// Runs the job in a later turn of the loop.
  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
