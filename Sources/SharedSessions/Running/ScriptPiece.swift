/// A function, a few variables or a block of an `include_*.lua` file: what is put into a script when something in it uses it. A value.
///
/// Pieces are parted by blank lines; a piece without a name is a comment. A block (`-- block: name parameters`) is lines that stand
/// in place of a call of it, which is a statement of its own: a `return` in it ends the script, and without parameters its variables
/// are the script's. What is passed to a parameter named with a star stands in the block as it is written, so that texts are joined
/// in one go. Hot paths are made of blocks, because making a function costs Redis more than running most of them. A piece with
/// `-- when: once` is only there in the form of a script that serves repeatable requests.
struct ScriptPiece: Sendable {
  /// Its lines of Lua.
  let lines: [Substring]
  /// What it defines.
  let names: Set<String>
  /// What it uses, itself included.
  let uses: Set<String>
  /// The arguments it needs, as its comment says.
  let arguments: [String]
  /// The parameters of a block; nil for anything else.
  let parameters: [String]?
  let isForRepeats: Bool

  init(_ text: String) {
    let all = text.split(separator: "\n")
    lines = all.filter { !$0.hasPrefix("--") }
    arguments = ScriptSource.names(after: "-- args:", in: all)
    isForRepeats = all.contains("-- when: once")
    let body = lines.joined(separator: "\n")
    let block = ScriptSource.names(after: "-- block:", in: all)
    if let name = block.first {
      names = [name]
      parameters = Array(block.dropFirst())
      uses = ScriptSource.identifiers(in: body)
    } else {
      names = Self.definitions(in: lines)
      parameters = nil
      uses = ScriptSource.identifiers(in: body)
    }
  }

  private static func definitions(in lines: [Substring]) -> Set<String> {
    var names: Set<String> = []
    for line in lines where line.hasPrefix("local ") {
      let rest = line.dropFirst("local ".count)
      if rest.hasPrefix("function ") {
        names.insert(String(rest.dropFirst("function ".count).prefix { ScriptSource.isNamePart($0) }))
      } else {
        for name in rest.prefix(while: { $0 != "=" }).split(separator: "--").first?.split(separator: ",") ?? [] {
          names.insert(name.trimmingPrefix(" ").prefix { ScriptSource.isNamePart($0) }.description)
        }
      }
    }
    return names
  }

  /// The pieces of a file, in its order.
  static func pieces(of file: [UInt8]) -> [ScriptPiece] {
    String(decoding: file, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      .split(whereSeparator: \.isEmpty).map { ScriptPiece($0.joined(separator: "\n")) }
      .filter { !$0.names.isEmpty }
  }
}
