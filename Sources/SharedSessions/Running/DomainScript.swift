internal import RedisClient

/// A script of the domain, put together at start: its Lua source with names for its keys and arguments, and what a call of it
/// must pass. A value.
///
/// What is loaded into it is its own body and the functions it uses from the files it includes, no others. The names in its head
/// become Lua variables, so no body counts positions.
struct DomainScript: Sendable {
  let script: RedisScript
  /// The keys, by the names of `SessionKey`, `HostKey` or, for a script on one key, `key`.
  let keys: [String]
  /// Every argument in order.
  let arguments: [String]
  /// Those of them that the call passes by name; the runner knows the others (`FrameArgument`).
  let own: [String]
  /// Whether the last one takes any number of values.
  let isVariadic: Bool
  /// What is wrong with the file, found when it was put together; empty for every script that works.
  let faults: [String]

  /// Puts a script together.
  ///
  /// - Parameters:
  ///   - file: its file.
  ///   - takes: the names its call sites pass, in order.
  ///   - files: the `include_*.lua` files by name.
  init(_ name: String, _ file: [UInt8], takes: [String], including files: [String: [ScriptPiece]]) {
    let source = ScriptSource(file)
    var faults: [String] = []
    if !source.shebang.hasPrefix("#!lua") { faults.append("does not begin with #!lua") }
    let available = source.includes.flatMap { files[$0] ?? [] }
    for include in source.includes where files[include] == nil { faults.append("includes unknown '\(include)'") }

    var needed = ScriptSource.identifiers(in: source.body)
    var used = Set<Int>()
    var grew = true
    while grew {
      grew = false
      for (i, piece) in available.enumerated() where !used.contains(i) && !piece.names.isDisjoint(with: needed) {
        used.insert(i)
        needed.formUnion(piece.uses)
        grew = true
      }
    }
    let pieces = available.indices.filter(used.contains).map { available[$0] }

    keys = source.keys
    let own = source.arguments.map { $0.hasSuffix("...") ? String($0.dropLast(3)) : $0 }
    isVariadic = source.arguments.last?.hasSuffix("...") ?? false
    let isKnown = { (name: String) in FrameArgument(rawValue: name) != nil }
    var frame: [String] = []
    for argument in pieces.flatMap(\.arguments) where !frame.contains(argument) && !own.contains(argument) {
      frame.append(argument)
      if !isKnown(argument) { faults.append("a function it uses needs the argument '\(argument)', which no frame has") }
    }
    arguments = frame + own
    self.own = own.filter { !isKnown($0) }
    if self.own != takes { faults.append("takes \(self.own), its call passes \(takes)") }

    let names = Set(SessionKey.allCases.map(\.rawValue) + HostKey.allCases.map(\.rawValue) + ["key"])
    let touchesAll = source.body.contains("keep_all()") || source.body.contains("keep_host()")
    for name in needed.intersection(names) where !source.keys.contains(name) {
      // The same word can be a key of the one kind and a variable in a script on the other.
      if Self.isKey(name, of: source.keys) { faults.append("touches '\(name)' without naming it in its keys") }
    }
    for name in needed where isKnown(name) && !arguments.contains(name) {
      faults.append("uses '\(name)' without naming it in its arguments")
    }
    for name in source.keys where !needed.contains(name) && !touchesAll {
      faults.append("names the key '\(name)' for nothing")
    }
    for name in own where !needed.contains(name) { faults.append("names the argument '\(name)' for nothing") }
    self.faults = faults.map { "\(name).lua \($0)" }

    var head = [source.shebang]
    for (i, key) in keys.enumerated() { head.append("local \(key) = KEYS[\(i + 1)]") }
    for (i, argument) in arguments.enumerated() {
      head.append(
        isVariadic && i == arguments.count - 1
          ? "local \(argument) = {} for i = \(i + 1), #ARGV do \(argument)[i - \(i)] = ARGV[i] end"
          : "local \(argument) = ARGV[\(i + 1)]")
    }
    script = RedisScript(
      name: name, source: (head + pieces.map(\.text) + [source.body]).joined(separator: "\n"),
      isReadOnly: source.shebang.contains("no-writes"), waitsForReplicas: source.waitsForReplicas)
  }

  /// Whether a name is a key where a script works on keys like these.
  private static func isKey(_ name: String, of keys: [String]) -> Bool {
    if keys.contains("session") { return SessionKey(rawValue: name) != nil }
    if keys.contains("host") { return HostKey(rawValue: name) != nil }
    return name == "key"
  }
}

/// The arguments the runner fills in by itself, wherever a script or a function it uses names them.
enum FrameArgument: String, Sendable, CaseIterable {
  /// The caller's participant id ('' none), the digest of their token ('' none), and how they come.
  case caller, token, how
  /// The idempotent request, as `include_answer.lua` reads it.
  case once
  /// The bounds and times the node is configured with.
  case eventsKept = "events_kept"
  case eventBytesKept = "event_bytes_kept"
  case mostMessages = "most_messages"
  case mostMessageBytes = "most_message_bytes"
  case mostApprovals = "most_approvals"
  case mostApprovalBytes = "most_approval_bytes"
  case dispatchTimeout = "dispatch_timeout"
  case hostLifetime = "host_lifetime"
  case mostPlaces = "most_places"
  case batchesKept = "batches_kept"
  case stepCount = "step_count"
  case stepBytes = "step_bytes"
  case longest, retention
}
