/// Typed access to checked values for ``TandemConfiguration``.
///
/// A name or a type that does not agree with the table is a mistake in this program, not in the configuration, and
/// every start would meet it: those stop the process.
///
/// Isolation: a value used by one task.
struct ConfigurationValues {
  private let resolved: [String: ConfigurationResolver.Resolved]
  private var read: Set<String> = []

  init(_ resolver: ConfigurationResolver) { resolved = resolver.resolved }

  /// In debug builds, and so in tests: every key of the table is used by somebody.
  func assertAllRead() {
    assert(read == Set(resolved.keys), "unused keys: \(Set(resolved.keys).subtracting(read).sorted())")
  }

  mutating func optionalText(_ name: String) -> String? {
    switch value(name) {
    case nil: nil
    case .text(let text): text
    default: mismatch(name)
    }
  }

  mutating func text(_ name: String) -> String { optionalText(name) ?? mismatched(name) }

  mutating func optionalChoice<Choice: RawRepresentable<String>>(_ name: String) -> Choice? {
    optionalText(name).map { Choice(rawValue: $0) ?? mismatched(name) }
  }

  mutating func choice<Choice: RawRepresentable<String>>(_ name: String) -> Choice {
    optionalChoice(name) ?? mismatched(name)
  }

  mutating func integer(_ name: String) -> Int {
    guard case .integer(let number) = value(name) else { mismatch(name) }
    return number
  }

  mutating func duration(_ name: String) -> Duration {
    guard case .duration(let duration) = value(name) else { mismatch(name) }
    return duration
  }

  mutating func boolean(_ name: String) -> Bool {
    guard case .boolean(let flag) = value(name) else { mismatch(name) }
    return flag
  }

  mutating func list(_ name: String) -> [String] {
    guard case .list(let entries) = value(name) else { mismatch(name) }
    return entries
  }

  private mutating func value(_ name: String) -> ConfigurationValue? {
    read.insert(name)
    guard let resolved = resolved[name] else { mismatch(name) }
    return resolved.value
  }

  /// The same where an expression wants a value.
  private func mismatched<Value>(_ name: String) -> Value { mismatch(name) }

  private func mismatch(_ name: String) -> Never {
    fatalError("the table of configuration keys does not hold \(name) in the form it is used in")
  }
}
