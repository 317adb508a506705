/// Hands asynchronous work of the event loops to one task group, so that none of it outlives the service that runs
/// the group. Sendable: immutable.
///
/// Bounded by what starts it: each feed has at most one piece of work under way.
struct StreamWork: Sendable {
  typealias Piece = @Sendable () async -> Void

  private let pieces: AsyncStream<Piece>
  private let continuation: AsyncStream<Piece>.Continuation

  init() {
    (pieces, continuation) = AsyncStream.makeStream()
  }

  /// Runs a piece of work.
  ///
  /// - Returns: false when the service has ended, so that the piece will never run.
  func start(_ piece: @escaping Piece) -> Bool {
    if case .enqueued = continuation.yield(piece) { true } else { false }
  }

  /// Runs what is started until the task is cancelled, then waits for what is under way.
  func run() async {
    await withDiscardingTaskGroup { group in
      for await piece in pieces {
        group.addTask { await piece() }
      }
    }
  }
}
