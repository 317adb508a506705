import JSONText
import NIOCore

/// The texts made from the table of keys: `--help`, `config/tandem.json`, the README's table.
///
/// Isolation: pure functions.
enum ConfigurationDocuments {
  /// The list of settings for `--help`.
  static var help: String {
    var lines = [
      "SETTINGS (a flag wins over its environment variable, that over the JSON file, that over the default).",
      "Other users of this machine can see flags: give secrets by file (--api-keys-file, --redis-password-file, --config) or in the environment.",
    ]
    for key in ConfigurationKey.all {
      let fallback = key.defaultText.map { $0.isEmpty ? "" : " Default: \($0)." } ?? ""
      lines.append("  \(key.flagName) \(key.placeholder)")
      lines.append("      \(key.doc)\(fallback) [\(key.environmentName)]")
    }
    return lines.joined(separator: "\n")
  }

  /// The README's table, one row per key.
  static var markdownTable: String {
    var lines = ["| key | default | allowed | meaning |", "|---|---|---|---|"]
    for key in ConfigurationKey.all {
      let fallback = key.defaultText.map { $0.isEmpty ? "none" : "`\($0)`" } ?? "see meaning"
      lines.append("| `\(key.name)` | \(fallback) | \(key.allowed) | \(key.doc) |")
    }
    return lines.joined(separator: "\n")
  }

  /// `config/tandem.json`: every key with its default; `null` stands for "not set".
  static var defaultFile: String {
    var lines: [String] = []
    var open: String?
    for (index, key) in ConfigurationKey.all.enumerated() {
      let group = key.components.count > 1 ? key.components[0] : nil
      if group != open {
        if open != nil { lines.append("  },") }
        if let group { lines.append("  \"\(group)\": {") }
        open = group
      }
      let next = ConfigurationKey.all.dropFirst(index + 1).first
      let isLastInGroup = group != nil && next?.components.first != group
      let comma = isLastInGroup || next == nil ? "" : ","
      lines.append(
        "\(group == nil ? "  " : "    ")\"\(key.components[key.components.count - 1])\": \(json(key))\(comma)")
    }
    if open != nil { lines.append("  }") }
    return "{\n" + lines.joined(separator: "\n") + "\n}\n"
  }

  private static func json(_ key: ConfigurationKey) -> String {
    guard let text = key.defaultText, let value = ConfigurationValue(parsing: text, for: key.kind) else {
      return "null"
    }
    switch value {
    case .integer(let number): if case .integer = key.kind { return String(number) } else { return quoted(text) }
    case .boolean(let flag): return String(flag)
    case .list(let entries): return "[" + entries.map(quoted).joined(separator: ", ") + "]"
    case .text, .duration: return quoted(text)
    }
  }

  private static func quoted(_ text: String) -> String {
    var buffer = ByteBuffer()
    JSONText.quote(text, into: &buffer)
    return String(buffer: buffer)
  }
}
