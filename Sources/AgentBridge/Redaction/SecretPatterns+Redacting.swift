import JSONText

/// How many secrets of which kind were removed; a plain value.
public struct RedactionCount: Sendable, Hashable {
  /// The number of each kind.
  public private(set) var kinds: [String: Int] = [:]

  /// Nothing was removed.
  public init() {}

  /// Whether nothing was removed.
  public var isEmpty: Bool { kinds.isEmpty }
  /// All of them.
  public var total: Int { kinds.values.reduce(0, +) }

  mutating func add(_ counts: [String: Int]) {
    kinds.merge(counts, uniquingKeysWith: +)
  }

  mutating func add(_ count: RedactionCount) { add(count.kinds) }

  /// `GitHub token, 2 x secret value`: the kinds in their order.
  public var sentence: String {
    kinds.sorted { $0.key < $1.key }.map { $0.value == 1 ? $0.key : "\($0.value) x \($0.key)" }.joined(separator: ", ")
  }
}

extension SecretPatterns {
  /// A whole text without its secrets; nil when there are none.
  func redact(_ text: [UInt8], _ count: inout RedactionCount) -> [UInt8]? {
    guard text.contains(where: { mayBegin(with: $0) }) else { return nil }
    var stream = SecretStream(self)
    let redacted = stream.append(text) + stream.finish()
    guard !stream.counts.isEmpty else { return nil }
    count.add(stream.counts)
    return redacted
  }

  /// A whole text without its secrets.
  func redact(_ text: String, _ count: inout RedactionCount) -> String {
    redact(Array(text.utf8), &count).map { String(decoding: $0, as: UTF8.self) } ?? text
  }

  /// A JSON value with no secret in any of its strings, however deep: neither one that looks like it nor one that its field
  /// names, as in `{"apiKey": "..."}` and `{"name": "API_KEY", "value": "..."}`. Everything else stays byte for byte.
  func redact(_ value: JSONText, _ count: inout RedactionCount) -> JSONText {
    var lastName: [UInt8] = []
    return value.replacingStrings { string, place in
      if case .value(of: let field) = place {
        if field.elementsEqual("name".utf8) { lastName = string }
        // What an agent has to get back as it is.
        if field.elementsEqual("optionId".utf8) { return nil }
        let isNamed = isSecret(name: field) || field.elementsEqual("value".utf8) && isSecret(name: lastName)
        if isNamed, let first = string.first, !Self.isPlaceholder(first) {
          count.add([SecretRule.namedKind: 1])
          return Array(SecretStream.mark(SecretRule.namedKind).utf8)
        }
      }
      return redact(string, &count)
    }
  }
}
