internal import Basics
internal import RedisClient

/// Sees to it that nodes of different layouts never work on the same keys. A value.
///
/// The number of the layout lies in Redis beside the data. Who finds none writes its own, unless there are sessions already, which
/// can only be those of a version that wrote no number.
struct LayoutCheck: Sendable {
  let runner: ScriptRunner

  /// Checks the layout, and notes it where nothing is noted.
  ///
  /// - Throws: `INTERNAL_ERROR` with a sentence for whoever starts the node when the keys have another layout.
  func run() async throws(SharedSessionError) {
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
    guard found == KeyLayout.version else {
      throw SharedSessionError(
        .internalError,
        "The keys '\(keys.prefix):...' in Redis have layout \(found ?? "unknown"), and this version works with layout \(KeyLayout.version). "
          + "Give this node another 'prefix' or an empty database, or run the version that made them.")
    }
    try await keep()
  }

  /// Keeps the number for longer than anything that is written now can last.
  func keep() async throws(SharedSessionError) {
    let settings = runner.settings
    let longest = settings.maximumLifetime + settings.retention + .seconds(86_400)
    try await runner.send("PEXPIRE", key: runner.keys.layout, .integer(Int(longest.wholeMilliseconds)))
  }
}
