/// One Lua file under `Scripts/` as it is read at start: what its head says, and its body. A value.
///
/// The head of a script is comments. `-- include:` names the files whose functions it uses, `-- keys:` the keys it touches,
/// `-- args:` what it is given; both lists may go on in lines of names alone. `-- reply:` and `-- fails:` are for people.
struct ScriptSource: Sendable {
  /// The shebang line, with Redis's flags.
  let shebang: String
  let includes: [String]
  let keys: [String]
  /// The last one may end in `...`: it takes all arguments that are left, as a table.
  let arguments: [String]
  /// False for writes whose loss in a failover does no harm (`-- durability: local`): they never wait for replicas.
  let waitsForReplicas: Bool
  /// Everything behind the shebang.
  let body: String

  init(_ file: [UInt8]) {
    let lines = String(decoding: file, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    shebang = lines.first.map(String.init) ?? ""
    includes = Self.names(after: "-- include:", in: lines)
    keys = Self.names(after: "-- keys:", in: lines)
    arguments = Self.names(after: "-- args:", in: lines)
    waitsForReplicas = !lines.contains("-- durability: local")
    body = lines.dropFirst().joined(separator: "\n")
  }

  /// The names in the line that begins with `mark`, and in the lines behind it that hold nothing but names.
  static func names(after mark: String, in lines: [Substring]) -> [String] {
    guard let first = lines.firstIndex(where: { $0.hasPrefix(mark) }) else { return [] }
    var names = lines[first].dropFirst(mark.count).split(separator: " ").map(String.init)
    for line in lines[(first + 1)...] {
      guard line.hasPrefix("--   "), line.dropFirst(2).allSatisfy({ $0 == " " || isNamePart($0) || $0 == "." }) else {
        break
      }
      names += line.dropFirst(2).split(separator: " ").map(String.init)
    }
    return names
  }

  static func isNamePart(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || character == "_")
  }

  /// The names of variables a piece of Lua uses: not what stands in comments or strings, behind a dot, or is a field being set.
  static func identifiers(in lua: String) -> Set<String> {
    var found: Set<String> = []
    for line in lua.split(separator: "\n") {
      walk(line) { name in
        found.insert(String(name))
        return nil
      }
    }
    return found
  }

  /// A line of Lua with other text in place of some variables.
  static func replacing(_ texts: [String: String], in line: Substring) -> String {
    walk(line) { texts[String($0)] }
  }

  /// Goes through a line of Lua; what the closure answers stands in place of a variable.
  @discardableResult
  private static func walk(_ line: Substring, _ replace: (Substring) -> String?) -> String {
    let body = line.drop { $0 == " " }
    var result = String(line[..<body.startIndex])
    var text = body
    // What a line begins with is assigned to, not a field of a table.
    var isFirst = true
    while let start = text.first {
      if text.hasPrefix("--") { break }
      let rest = text
      if start == "'" || start == "\"" {
        text = text.dropFirst()
        while let next = text.first, next != start { text = text.dropFirst(next == "\\" ? 2 : 1) }
        text = text.dropFirst()
      } else if text.hasPrefix("..") {
        text = text.dropFirst(2)
      } else if start == "." || start == ":" {
        text = text.dropFirst().drop { isNamePart($0) }
      } else if isNamePart(start) {
        let name = text.prefix { isNamePart($0) }
        text = text.dropFirst(name.count)
        if isFirst || !text.hasPrefix(" = "), let other = replace(name) {
          result += other
          isFirst = false
          continue
        }
      } else {
        text = text.dropFirst()
      }
      result += rest[..<text.startIndex]
      isFirst = false
    }
    return result + text
  }
}
