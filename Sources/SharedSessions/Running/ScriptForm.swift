internal import RedisClient

/// A script put together: its keys and arguments in order, and its Lua but for the first lines, which name them. A value.
struct ScriptForm: Sendable {
  /// The keys, by the names of `SessionKey`, `HostKey` or, for a script on one key, `key`.
  let keys: [String]
  /// What it is told at each call, in order.
  let arguments: [String]
  /// What the node's settings say; it stands in the script.
  let settings: [FrameArgument]
  /// What it and the pieces in it use.
  let uses: Set<String>
  /// Whether it is used by a statement that Lua cannot take.
  let faults: [String]
  private let lines: [String]

  /// Puts a script together from its own body and the pieces that it needs.
  init(_ source: ScriptSource, _ available: [ScriptPiece], forRepeats: Bool) {
    let body = source.body.split(separator: "\n").filter { !$0.hasPrefix("--") }
    var needed = ScriptSource.identifiers(in: body.joined(separator: "\n"))
    var used = Set<Int>()
    var grew = true
    while grew {
      grew = false
      for (i, piece) in available.enumerated() where !used.contains(i) && !piece.names.isDisjoint(with: needed) {
        guard forRepeats || !piece.isForRepeats else { continue }
        used.insert(i)
        needed.formUnion(piece.uses)
        grew = true
      }
    }
    let pieces = available.indices.filter(used.contains).map { available[$0] }
    uses = needed

    var named = source.arguments.map { $0.hasSuffix("...") ? String($0.dropLast(3)) : $0 }
    var frame: [String] = []
    for argument in pieces.flatMap(\.arguments) where !frame.contains(argument) && !named.contains(argument) {
      frame.append(argument)
    }
    named = frame + named
    let isSetting = { (name: String) in FrameArgument(rawValue: name)?.isSetting ?? false }
    arguments = named.filter { !isSetting($0) }
    settings = named.filter(isSetting).compactMap(FrameArgument.init)
    // A form without repeats needs no place to keep answers.
    let touchesAll = source.body.contains("keep_all()") || source.body.contains("keep_host()")
    keys = source.keys.filter { touchesAll || forRepeats || !$0.hasPrefix("answers") || needed.contains($0) }

    var blocks = ScriptBlocks(available, forRepeats: forRepeats)
    var lines: [String] = []
    for piece in pieces where piece.parameters == nil { lines += blocks.expanded(piece.lines) }
    lines += blocks.expanded(body)
    self.lines = lines
    faults = blocks.faults
  }

  /// The whole of it for a node with settings.
  func source(shebang: String, isVariadic: Bool, _ values: (FrameArgument) -> String) -> String {
    var head = [shebang]
    for (i, key) in keys.enumerated() { head.append("local \(key) = KEYS[\(i + 1)]") }
    for setting in settings { head.append("local \(setting.rawValue) = '\(values(setting))'") }
    for (i, argument) in arguments.enumerated() {
      head.append(
        isVariadic && i == arguments.count - 1
          ? "local \(argument) = {} for i = \(i + 1), #ARGV do \(argument)[i - \(i)] = ARGV[i] end"
          : "local \(argument) = ARGV[\(i + 1)]")
    }
    return (head + lines).joined(separator: "\n")
  }
}
