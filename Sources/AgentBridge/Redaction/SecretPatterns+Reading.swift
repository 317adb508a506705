extension SecretPatterns {
  /// Bytes of the shortest text that is removed wherever it stands: a shorter one stands in other words by chance.
  public static let minimumBytes = 6
  /// Bytes of a list of a host.
  public static let listBytes = 64 * 1024

  /// Removes the values of the variables whose names look like those of secrets.
  public mutating func addValues(of variables: [String: String]) {
    for (name, value) in variables.sorted(by: { $0.key < $1.key }) where isSecret(name: name.utf8.map(\.self)) {
      // A key with several lines is seldom shown with the same line ends.
      for line in value.split(whereSeparator: \.isNewline) where line.utf8.count >= Self.minimumBytes {
        add(String(line), kind: SecretRule.variableKind)
      }
    }
  }

  /// Removes a text wherever it stands; too short ones are left.
  public mutating func addSecret(_ text: String) {
    if text.utf8.count >= Self.minimumBytes { add(text, kind: SecretRule.ownKind) }
  }

  /// Adds a host's own list: a text a line that is removed wherever it stands; with `*` at its end together with the
  /// letters, digits and signs of tokens behind it; with `=` at its end, the values of that name. Lines that begin with
  /// `#` and empty ones are comments.
  ///
  /// - Returns: what is wrong with the list, in one sentence; nil when it was added.
  public mutating func add(list: String) -> String? {
    guard list.utf8.count <= Self.listBytes else { return "it has more than \(Self.listBytes / 1024) KiB." }
    var number = 0
    for line in list.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      number += 1
      let text = String(line.trimmingBlanks)
      if text.isEmpty || text.hasPrefix("#") { continue }
      if text.hasSuffix("="), !text.dropLast().isEmpty, text.dropLast().utf8.allSatisfy({ ByteSet.name.contains($0) }) {
        add(name: String(text.dropLast()))
        continue
      }
      let isBeginning = text.hasSuffix("*")
      let beginning = isBeginning ? String(text.dropLast()) : text
      guard beginning.utf8.count >= (isBeginning ? 3 : Self.minimumBytes) else {
        return "line \(number) is too short: it takes \(Self.minimumBytes) bytes, or 3 before a `*`."
      }
      guard !isBeginning || beginning.utf8.count <= SecretTrie.maximumBytes else {
        return "line \(number) is too long: at most \(SecretTrie.maximumBytes) bytes stand before a `*`."
      }
      add(beginning, kind: SecretRule.ownKind, form: isBeginning ? .followed(by: .token, atLeast: 1) : .whole)
    }
    return nil
  }
}

extension Substring {
  /// Without the blanks around it.
  fileprivate var trimmingBlanks: Substring {
    let start = drop { $0 == " " || $0 == "\t" }
    guard let end = start.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
    return start[...end]
  }
}
