/// Immutable, Sendable: hands asynchronous work of the event loops to one task group, so that none of it outlives the
/// service that runs the group.
///
/// Bounded by what starts it: each feed has at most one piece of work under way.
struct StreamWork: Sendable {
  typealias Piece = @Sendable () async -> Void

  private let pieces: AsyncStream<Piece>
  private let continuation: AsyncStream<Piece>.Continuation

  init() {
    (pieces, continuation) = AsyncStream.makeStream()
  }

  func start(_ piece: @escaping Piece) {
    continuation.yield(piece)
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
