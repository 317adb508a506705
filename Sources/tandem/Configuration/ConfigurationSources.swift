import Configuration
import JSONText
import Logging
import NIOCore

/// Where a value came from, in the order of precedence.
enum ConfigurationOrigin: String, Sendable, CaseIterable {
  case flag
  case environment
  case file
  case `default`
}

/// Everything that is wrong with a configuration, one sentence each.
///
/// Isolation: an immutable value.
struct ConfigurationError: Error, Sendable, CustomStringConvertible {
  /// At least one sentence, each naming the key, the value and what is allowed.
  let problems: [String]

  var description: String { problems.joined(separator: "\n") }
}

/// The three places a value can be given in, as providers of swift-configuration that all speak text.
///
/// Values stay text on purpose: the library's typed getters replace what they cannot read by the default, so a typo
/// would go unnoticed. ``ConfigurationResolver`` reads the text strictly.
///
/// Isolation: an immutable value, filled before the program starts.
struct ConfigurationSources: Sendable {
  /// A named provider, and how one of its keys is spelled there.
  struct Source: Sendable {
    let origin: ConfigurationOrigin
    let provider: any ConfigProvider
  }

  /// The sources, highest precedence first.
  let sources: [Source]
  /// What was wrong before any value was looked at: unknown names in the file, an unreadable file.
  let problems: [String]
  /// What was passed over: variables that are not ours.
  let remarks: [ConfigurationRemark]

  /// - Parameters:
  ///   - flags: Values by key name, as given on the command line.
  ///   - environment: The whole process environment; only `TANDEM_*` is looked at.
  ///   - file: The path and content of the JSON file, when there is one.
  init(flags: [String: String], environment: [String: String], file: (path: String, content: ByteBuffer)?) {
    var problems: [String] = []
    var sources: [Source] = []

    let flagValues = flags.map {
      (AbsoluteConfigKey(ConfigKey($0.key)), ConfigValue(.string($0.value), isSecret: false))
    }
    sources.append(
      Source(
        origin: .flag, provider: InMemoryProvider(name: "flags", values: Dictionary(uniqueKeysWithValues: flagValues))))

    // An empty variable counts as unset: compose files and unit files cannot leave one out conditionally.
    let ours = environment.filter { $0.key.hasPrefix("TANDEM_") && !$0.value.isEmpty }
    let links = ours.filter { ServiceLinks.contains($0.key, $0.value) }
    let variables = ours.filter { links[$0.key] == nil }
    remarks = Self.remarks(links: links.keys.sorted(), others: variables.keys.sorted())
    sources.append(
      Source(
        origin: .environment,
        provider: EnvironmentVariablesProvider(environmentVariables: variables).prefixKeys(with: "tandem")))

    if let file {
      var values: [AbsoluteConfigKey: ConfigValue] = [:]
      do throws(JSONTextError) {
        let json = try JSONText(validating: file.content)
        Self.flatten(json, path: [], file: file.path, into: &values, problems: &problems)
      } catch {
        problems.append("\(file.path): \(error.message)")
      }
      sources.append(Source(origin: .file, provider: InMemoryProvider(name: "file", values: values)))
    }
    self.sources = sources
    self.problems = problems
  }

  /// Variables with our prefix that mean something to other commands and to the tests.
  private static let reserved = [
    "TANDEM_CONFIG", "TANDEM_SERVER", "TANDEM_API_KEY", "TANDEM_PUBLISH", "TANDEM_BENCHMARKS", "TANDEM_STRICT",
    "TANDEM_BINARY",
  ]
  private static let reservedPrefixes = ["TANDEM_TEST_", "TANDEM_E2E_"]

  /// What to say about variables with our prefix that are no settings: nothing stops the start, because others set
  /// variables, too, but a typo does not turn into a default without a word.
  private static func remarks(links: [String], others: [String]) -> [ConfigurationRemark] {
    let known = Set(ConfigurationKey.all.map(\.environmentName)).union(reserved)
    var remarks = others.filter { name in
      !known.contains(name) && !reservedPrefixes.contains(where: name.hasPrefix)
    }.map { name in
      ConfigurationRemark(
        level: .warning, message: "unknown environment variable ignored",
        detail: name + Suggestion.sentence(for: name, among: known))
    }
    if !links.isEmpty {
      remarks.append(
        ConfigurationRemark(
          level: .info, message: "environment variables of container links ignored",
          detail: links.joined(separator: ", ")))
    }
    return remarks
  }

  /// Turns nested objects into dotted names; scalars become text, arrays of strings stay lists, `null` counts as unset.
  private static func flatten(
    _ json: JSONText, path: [String], file: String, into values: inout [AbsoluteConfigKey: ConfigValue],
    problems: inout [String]
  ) {
    guard json.kind == .object else {
      problems.append("\(file): the configuration must be a JSON object")
      return
    }
    var seen: Set<String> = []
    for (name, value) in json.members {
      let components = path + [name]
      let fullName = components.joined(separator: ".")
      guard seen.insert(name).inserted else {
        problems.append("\(file): \(fullName) is given twice")
        continue
      }
      guard let key = ConfigurationKey.named(fullName), !name.contains(".") else {
        let isGroup = ConfigurationKey.all.contains { $0.name.hasPrefix(fullName + ".") }
        if isGroup && value.kind == .object {
          flatten(value, path: components, file: file, into: &values, problems: &problems)
        } else if isGroup {
          problems.append("\(file): \(fullName) must be an object")
        } else {
          problems.append(
            "\(file): unknown key \(fullName)"
              + Suggestion.sentence(for: fullName, among: ConfigurationKey.all.map(\.name)))
        }
        continue
      }
      if value.isNull { continue }
      if let content = content(of: value, for: key) {
        values[AbsoluteConfigKey(components)] = ConfigValue(content, isSecret: key.isSecret)
      } else {
        let shown = key.isSecret ? "(hidden)" : String(buffer: value.bytes)
        problems.append("\(file): \(fullName) is \(shown); it must be \(key.allowed)")
      }
    }
  }

  /// The text of a scalar whose JSON type suits the key: a boolean is no text, a number in quotes no number.
  private static func content(of value: JSONText, for key: ConfigurationKey) -> ConfigContent? {
    switch (key.kind, value.kind) {
    case (.text, .string), (.choice, .string), (.bytes, .string), (.optionalBytes, .string),
      (.duration, .string):
      return value.string.map { .string($0) }
    case (.integer, .number), (.bytes, .number), (.optionalBytes, .number), (.duration, .number):
      return .string(String(buffer: value.bytes))
    case (.boolean, .boolean):
      return .string(String(buffer: value.bytes))
    case (.list, .array):
      let entries = value.elements.map(\.string)
      return entries.contains(nil) ? nil : .stringArray(entries.compactMap(\.self))
    default:
      return nil
    }
  }
}

/// Guesses what a misspelt name was meant to be.
///
/// Isolation: pure functions.
enum Suggestion {
  /// `; did you mean X?`, or nothing when no known name is near.
  static func sentence(for name: String, among known: some Sequence<String>) -> String {
    let nearest = known.map { ($0, distance(name.lowercased(), $0.lowercased())) }.min { ($0.1, $0.0) < ($1.1, $1.0) }
    guard let nearest, nearest.1 <= max(2, name.count / 5) else { return "" }
    return "; did you mean \(nearest.0)?"
  }

  /// How many letters must be added, dropped or changed to get from one text to the other.
  private static func distance(_ left: String, _ right: String) -> Int {
    let right = Array(right)
    var row = Array(0...right.count)
    for (i, character) in left.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for j in right.indices {
        let substitution = diagonal + (character == right[j] ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(substitution, row[j] + 1, diagonal + 1)
      }
    }
    return row[right.count]
  }
}
