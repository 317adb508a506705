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

/// Puts the lines of blocks in place of their calls. A value.
private struct ScriptBlocks {
  private var blocks: [String: ScriptPiece] = [:]
  private var omitted: Set<String> = []
  private(set) var faults: [String] = []

  init(_ available: [ScriptPiece], forRepeats: Bool) {
    for piece in available where piece.parameters != nil {
      if forRepeats || !piece.isForRepeats {
        blocks[piece.names.first!] = piece
      } else {
        omitted.formUnion(piece.names)
      }
    }
  }

  /// Lines with the calls of blocks replaced, also within blocks.
  mutating func expanded(_ lines: [Substring], depth: Int = 0) -> [String] {
    var result: [String] = []
    var rest = lines[...]
    while let line = rest.popFirst() {
      let text = line.drop { $0 == " " }
      let name = String(text.prefix { ScriptSource.isNamePart($0) })
      guard text.dropFirst(name.count).first == "(", omitted.contains(name) || blocks[name] != nil else {
        for used in ScriptSource.identifiers(in: String(line)) where omitted.contains(used) || blocks[used] != nil {
          faults.append("uses the block '\(used)' as something else than a statement")
        }
        result.append(String(line))
        continue
      }
      var statement = String(text)
      while !Self.isBalanced(statement), let more = rest.popFirst() { statement += " " + more.drop { $0 == " " } }
      guard let block = blocks[name] else { continue }
      guard depth < 8, statement.hasSuffix(")") else {
        faults.append("uses the block '\(name)' as something else than a statement")
        continue
      }
      let values = statement.dropFirst(name.count + 1).dropLast()
      let body = expanded(block.lines, depth: depth + 1)
      let parameters = block.parameters ?? []
      if values.isEmpty != parameters.isEmpty { faults.append("passes '\(values)' to the block '\(name)'") }
      result +=
        parameters.isEmpty ? body : ["do local \(parameters.joined(separator: ", ")) = \(values)"] + body + ["end"]
    }
    return result
  }

  /// Whether every bracket that opens in a statement is closed again, but for those in strings.
  private static func isBalanced(_ text: String) -> Bool {
    var (depth, quote): (Int, Character?) = (0, nil)
    var isEscaped = false
    for character in text {
      if let open = quote {
        if isEscaped {
          isEscaped = false
        } else if character == "\\" {
          isEscaped = true
        } else if character == open {
          quote = nil
        }
      } else if character == "'" || character == "\"" {
        quote = character
      } else if "({[".contains(character) {
        depth += 1
      } else if ")}]".contains(character) {
        depth -= 1
      }
    }
    return depth == 0
  }
}
