import Configuration

/// Finds the value of every key in the sources and checks it.
///
/// Isolation: a value used by one task before the program starts.
struct ConfigurationResolver {
  /// A value, and where it was found.
  struct Resolved: Sendable {
    let key: ConfigurationKey
    /// Nil when nobody set it and the key has no default.
    let value: ConfigurationValue?
    let origin: ConfigurationOrigin
  }

  /// One entry per key, in the table's order. Keys whose value is wrong are left out and named in `problems`.
  private(set) var resolved: [String: Resolved] = [:]
  /// What is wrong, including what was wrong with the sources themselves.
  private(set) var problems: [String]
  /// What was passed over.
  let remarks: [ConfigurationRemark]

  init(_ sources: ConfigurationSources) {
    problems = sources.problems
    remarks = sources.remarks
    for key in ConfigurationKey.all { resolve(key, in: sources.sources) }
  }

  private mutating func resolve(_ key: ConfigurationKey, in sources: [ConfigurationSources.Source]) {
    let name = AbsoluteConfigKey(key.components)
    for source in sources {
      guard let content = Self.content(of: name, in: source.provider) else { continue }
      guard let value = Self.value(of: content, for: key) else {
        problems.append(Self.problem(content, key: key, origin: source.origin))
        return
      }
      resolved[key.name] = Resolved(key: key, value: value, origin: source.origin)
      return
    }
    let value = key.defaultText.flatMap { ConfigurationValue(parsing: $0, for: key.kind) }
    precondition((value == nil) == (key.defaultText == nil), "the default of \(key.name) breaks its own rule")
    resolved[key.name] = Resolved(key: key, value: value, origin: .default)
  }

  /// What the provider holds for the key: text, or a list of texts.
  private static func content(of name: AbsoluteConfigKey, in provider: any ConfigProvider) -> ConfigContent? {
    // A provider throws when it holds the key in another form; every value here is one of these two forms.
    let text = try? provider.value(forKey: name, type: .string).value?.content
    return text ?? (try? provider.value(forKey: name, type: .stringArray).value?.content)
  }

  private static func value(of content: ConfigContent, for key: ConfigurationKey) -> ConfigurationValue? {
    switch content {
    case .string(let text): ConfigurationValue(parsing: text, for: key.kind)
    case .stringArray(let entries): ConfigurationValue(entries: entries, for: key.kind)
    default: nil
    }
  }

  private static func problem(_ content: ConfigContent, key: ConfigurationKey, origin: ConfigurationOrigin) -> String {
    let shown =
      switch content {
      case _ where key.isSecret: "(hidden)"
      case .string(let text): "\"\(text)\""
      case .stringArray(let entries): "[\(entries.joined(separator: ", "))]"
      default: "its value"
      }
    let place =
      switch origin {
      case .flag: "\(key.name) (\(key.flagName))"
      case .environment: "\(key.name) (\(key.environmentName))"
      case .file, .default: key.name
      }
    return "\(place) is \(shown); it must be \(key.allowed)"
  }
}
