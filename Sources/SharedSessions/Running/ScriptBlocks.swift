/// Puts the lines of blocks in place of their calls. A value.
struct ScriptBlocks {
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
      let values = Self.values(in: statement.dropFirst(name.count + 1).dropLast())
      let parameters = block.parameters ?? []
      guard values.count == parameters.count else {
        faults.append("passes \(values.count) values to the block '\(name)'")
        continue
      }
      result += filled(block, name, zip(parameters, values).map { ($0, $1) }, depth: depth)
    }
    return result
  }

  /// A block's lines with what is passed to it: in variables of its own, or in place of the name.
  private mutating func filled(
    _ block: ScriptPiece, _ name: String, _ passed: [(parameter: String, value: String)], depth: Int
  ) -> [String] {
    let variables = passed.filter { !$0.parameter.hasPrefix("*") }
    var inPlace: [String: String] = [:]
    for (parameter, value) in passed where parameter.hasPrefix("*") {
      inPlace[String(parameter.dropFirst())] = value
      // It is joined to what stands around it, and sees the block's own variables.
      let unclear = ScriptSource.identifiers(in: value).intersection(variables.map(\.parameter))
        .union(ScriptSource.identifiers(in: Self.withoutBrackets(value)).intersection(["and", "or", "not"]))
      if let word = unclear.first { faults.append("passes '\(word)' in place to the block '\(name)'") }
    }
    let lines = inPlace.isEmpty ? block.lines : block.lines.map { Substring(ScriptSource.replacing(inPlace, in: $0)) }
    let body = expanded(lines, depth: depth + 1)
    guard !passed.isEmpty else { return body }
    guard !variables.isEmpty else { return ["do"] + body + ["end"] }
    let names = variables.map(\.parameter).joined(separator: ", ")
    return ["do local \(names) = \(variables.map(\.value).joined(separator: ", "))"] + body + ["end"]
  }

  /// The values of a call: what is between commas that are in no bracket and no string.
  private static func values(in text: Substring) -> [String] {
    var values: [String] = []
    var value = ""
    for character in text {
      if character == ",", isBalanced(value) {
        values.append(value)
        value = ""
      } else {
        value.append(character)
      }
    }
    if !value.isEmpty { values.append(value) }
    return values.map { $0.trimmingPrefix(" ").description }
  }

  /// A statement without what stands in brackets.
  private static func withoutBrackets(_ text: String) -> String {
    var (outside, open) = ("", "")
    for character in text {
      open.append(character)
      guard isBalanced(open) else { continue }
      if open.count == 1 { outside += open }
      open = ""
    }
    return outside
  }

  /// Whether every bracket and string that opens in a statement is closed again; brackets in strings do not count.
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
    return depth == 0 && quote == nil
  }
}
