internal import Basics
internal import RedisClient

/// Sees to it that nodes of different layouts never work on the same keys. A value.
///
/// The number of the layout lies in Redis beside the data, with copies in other slots of a cluster, so that a node can start
/// while one primary is gone. Who finds no number writes its own, unless there are sessions already, which can only be
/// those of a version that wrote none.
struct LayoutCheck: Sendable {
  let runner: ScriptRunner

  /// Checks the layout, and notes it where nothing is noted.
  ///
  /// - Throws: `INTERNAL_ERROR` with a sentence for whoever starts the node when the keys have another layout; what Redis
  ///   answered when nobody who is there could tell.
  func run() async throws(SharedSessionError) {
    let keys = runner.keys
    do throws(SharedSessionError) {
      try await checkFirst()
    } catch {
      // Its primary is gone. The copies were written by nodes that have seen it.
      guard error.code == .unavailable || error.code == .outcomeUnknown else { throw error }
      guard let found = await anyCopy() else { throw error }
      try check(found)
    }
    for copy in keys.layoutCopies {
      if let found = try? await runner.send("GET", key: copy).string { try check(found) }
    }
    await keep()
  }

  private func checkFirst() async throws(SharedSessionError) {
    let keys = runner.keys
    var found = try await runner.send("GET", key: keys.layout).string
    if found == nil {
      let hasSessions = try await runner.send("EXISTS", key: keys.allSessions).integer == 1
      if hasSessions {
        found = "1"
      } else {
        try await runner.send("SET", key: keys.layout, .string(KeyLayout.version), "NX")
      }
    }
    // Of two nodes that start at once the first one's number counts.
    if found == nil { found = try await runner.send("GET", key: keys.layout).string }
    try check(found)
  }

  private func anyCopy() async -> String? {
    for copy in runner.keys.layoutCopies {
      if let found = try? await runner.send("GET", key: copy).string { return found }
    }
    return nil
  }

  private func check(_ found: String?) throws(SharedSessionError) {
    guard found == KeyLayout.version else {
      throw SharedSessionError(
        .internalError,
        "The keys '\(runner.keys.prefix):...' in Redis have layout \(found ?? "unknown"), and this version works with layout \(KeyLayout.version). "
          + "Give this node another 'prefix' or an empty database, or run the version that made them.")
    }
  }

  /// Keeps the number for longer than anything that is written now can last, wherever a primary takes it.
  func keep() async {
    let settings = runner.settings
    let longest = settings.maximumLifetime + settings.retention + .seconds(86_400)
    let time = RedisArgument.integer(Int(longest.wholeMilliseconds))
    for key in [runner.keys.layout] + runner.keys.layoutCopies {
      _ = try? await runner.send("SET", key: key, .string(KeyLayout.version), "NX", "PX", time)
      _ = try? await runner.send("PEXPIRE", key: key, time)
    }
  }
}
