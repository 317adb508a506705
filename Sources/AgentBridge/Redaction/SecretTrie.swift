/// Finds which rules' beginnings stand at a place of a text; an immutable value once filled.
///
/// A look takes at most as many steps as the longest beginning has bytes, `maximumBytes`, whatever the text is.
struct SecretTrie: Sendable {
  /// Bytes of the longest beginning.
  static let maximumBytes = 64

  private struct Node: Sendable {
    var children: [(byte: UInt8, node: Int)] = []
    var rule: Int?
    /// Whether a secret itself, not only its well-known beginning, goes through here.
    var isPrivate = false
  }

  /// What stands at a place.
  struct Found {
    /// The rules that fit, the longest beginning last.
    var rules: [(rule: Int, end: Int)] = []
    /// Whether more text could make a longer beginning fit: how much of it is there, and whether that part is secret.
    var begun: (bytes: Int, isPrivate: Bool)?
  }

  private var nodes = [Node()]
  private var firsts = [Bool](repeating: false, count: 256)

  /// Adds the beginning of a rule; of rules with the same one the first counts.
  mutating func add(_ beginning: [UInt8], rule: Int, isPrivate: Bool) {
    guard let first = beginning.first else { return }
    firsts[Int(first)] = true
    var node = 0
    for byte in beginning.prefix(Self.maximumBytes) {
      if let next = child(of: node, byte) {
        node = next
      } else {
        nodes.append(Node())
        nodes[node].children.append((byte, nodes.count - 1))
        node = nodes.count - 1
      }
      if isPrivate { nodes[node].isPrivate = true }
    }
    if nodes[node].rule == nil { nodes[node].rule = rule }
  }

  /// Whether any beginning begins with this byte.
  @inline(__always)
  func mayBegin(with byte: UInt8) -> Bool { firsts[Int(byte)] }

  /// What stands at a place.
  func look(_ text: [UInt8], at start: Int) -> Found {
    var found = Found()
    var (node, offset) = (0, start)
    while offset < text.count, let next = child(of: node, text[offset]) {
      node = next
      offset += 1
      if let rule = nodes[node].rule { found.rules.append((rule, offset)) }
    }
    if offset == text.count, offset > start, !nodes[node].children.isEmpty {
      found.begun = (offset - start, nodes[node].isPrivate)
    }
    return found
  }

  private func child(of node: Int, _ byte: UInt8) -> Int? {
    for child in nodes[node].children where child.byte == byte { return child.node }
    return nil
  }
}
