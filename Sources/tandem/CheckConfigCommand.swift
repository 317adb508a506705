import ArgumentParser
import Foundation
import HTTPGateway
import SharedSessions

/// `tandem check-config`: shows the effective configuration and where each value came from, without starting anything.
struct CheckConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check-config",
    abstract: "Print the effective configuration with secrets hidden; status 1 when it is wrong.",
    discussion: ConfigurationDocuments.help)

  @Flag(name: .customLong("defaults"), help: "Print a configuration file with every key and its default, and stop.")
  var printsDefaults = false

  @Flag(name: .customLong("markdown"), help: .hidden)
  var printsMarkdown = false

  @OptionGroup var settings: SettingsArguments

  func run() throws {
    if printsDefaults { return print(ConfigurationDocuments.defaultFile, terminator: "") }
    if printsMarkdown { return print(ConfigurationDocuments.markdownTable) }
    let environment = ProcessEnvironment.current
    do {
      let resolver = try settings.resolve(environment: environment)
      let configuration = try TandemConfiguration(resolver, environment: environment)
      print(EffectiveConfiguration.render(resolver, configuration))
      for remark in configuration.remarks { StandardError.write("configuration: \(remark.sentence)") }
    } catch let error as ConfigurationError {
      for problem in error.problems { StandardError.write("configuration: \(problem)") }
      throw ExitCode(1)
    }
  }
}

/// The listing of `tandem check-config`.
///
/// Isolation: pure functions.
enum EffectiveConfiguration {
  /// One line per key: name, value in force, origin. Secrets are hidden; defaults that depend on other keys are shown
  /// as what they came out to be.
  static func render(_ resolver: ConfigurationResolver, _ configuration: TandemConfiguration) -> String {
    let derived = [
      "access": configuration.access.rawValue, "join.reuse": configuration.sessions.joinReuse.rawValue,
      "dataDirectory": configuration.dataDirectory, "redis": "(private redis-server)",
      "rate.participant": RateSetting(configuration.gateway.participantRate).text,
      "rate.address": RateSetting(configuration.gateway.addressRate).text,
    ]
    let width = ConfigurationKey.all.map(\.name.count).max() ?? 0
    return ConfigurationKey.all.compactMap { key in
      guard let entry = resolver.resolved[key.name] else { return nil }
      let shown = entry.value.map { key.isSecret ? hidden($0) : $0.text(for: key.kind) } ?? derived[key.name] ?? ""
      let name = key.name.padding(toLength: width, withPad: " ", startingAt: 0)
      return "\(name)  \(shown.isEmpty ? "(none)" : shown)  [\(origin(entry))]"
    }.joined(separator: "\n")
  }

  /// A secret with only the harmless part left: the names of API keys, a URL without its password.
  static func hidden(_ value: ConfigurationValue) -> String {
    switch value {
    case .list(let entries):
      return entries.map { ($0.split(separator: ":").first ?? "") + ":********" }.joined(separator: ",")
    case .text(let url):
      // What is between the scheme and the last @ names a user and a password, and so may what is behind the ?.
      let address = url.prefix { $0 != "?" }
      let shown = address.count == url.count ? String(address) : address + "?********"
      guard let scheme = shown.range(of: "://"), let at = shown.lastIndex(of: "@") else { return shown }
      return shown[..<scheme.upperBound] + "********" + shown[at...]
    default: return "********"
    }
  }

  private static func origin(_ entry: ConfigurationResolver.Resolved) -> String {
    switch entry.origin {
    case .flag: "flag \(entry.key.flagName)"
    case .environment: "environment \(entry.key.environmentName)"
    case .file: "file"
    case .default: "default"
    }
  }
}
