import ArgumentParser
import Foundation
import NIOCore

/// The options every command takes that starts a node or looks at its configuration: `--config`, and one flag per
/// configuration key.
///
/// The flags come from the table of keys instead of one property each, so that a key can't be forgotten here.
///
/// Isolation: a value, filled by the argument parser.
struct SettingsArguments: ParsableArguments {
  @Option(
    name: .customLong("config"), help: ArgumentHelp("The JSON file to read; also TANDEM_CONFIG.", valueName: "file"))
  var configurationFile: String?

  @Argument(
    parsing: .allUnrecognized,
    help: ArgumentHelp("Settings as --flag value; they are listed below.", valueName: "setting"))
  var settings: [String] = []

  func validate() throws {
    _ = try flags()
  }

  /// The values given on the command line, by key name.
  ///
  /// - Throws: `ValidationError`, which ends the program with the usage and status 64.
  func flags() throws -> [String: String] {
    var values: [String: String] = [:]
    var rest = settings[...]
    while let argument = rest.popFirst() {
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard argument.hasPrefix("--"), let key = Self.keysByFlag[parts[0]] else {
        throw ValidationError(
          argument.hasPrefix("-")
            ? "Unknown option '\(parts[0])'" + Suggestion.sentence(for: parts[0], among: Self.keysByFlag.keys)
            : "Unexpected argument '\(argument)'")
      }
      let value: String
      if parts.count == 2 {
        value = parts[1]
      } else if case .boolean = key.kind, rest.first != "true", rest.first != "false" {
        value = "true"
      } else if let next = rest.popFirst() {
        value = next
      } else {
        throw ValidationError("Missing value for '\(argument) \(key.placeholder)'")
      }
      guard values.updateValue(value, forKey: key.name) == nil else {
        throw ValidationError("'\(key.flagName)' is given more than once")
      }
    }
    return values
  }

  /// Reads flags, environment and file.
  ///
  /// - Throws: ``ConfigurationError`` when the file cannot be read, `ValidationError` for wrong flags.
  func resolve(environment: [String: String]) throws -> ConfigurationResolver {
    let path = configurationFile ?? environment["TANDEM_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
    var file: (path: String, content: ByteBuffer)?
    if let path {
      do {
        file = (path, ByteBuffer(bytes: try Data(contentsOf: URL(fileURLWithPath: path))))
      } catch {
        let reason = (error as? CocoaError)?.code == .fileReadNoSuchFile ? "there is no such file" : "it cannot be read"
        throw ConfigurationError(problems: ["configuration file \(path): \(reason)"])
      }
    }
    return ConfigurationResolver(ConfigurationSources(flags: try flags(), environment: environment, file: file))
  }

  /// The effective configuration.
  ///
  /// - Throws: `ExitCode` 78 after printing on standard error what is wrong.
  func load(environment: [String: String] = ProcessEnvironment.current) throws -> TandemConfiguration {
    do {
      return try TandemConfiguration(try resolve(environment: environment), environment: environment)
    } catch let error as ConfigurationError {
      for problem in error.problems { StandardError.write("configuration: \(problem)") }
      throw ExitStatus.configuration
    }
  }

  private static let keysByFlag = Dictionary(uniqueKeysWithValues: ConfigurationKey.all.map { ($0.flagName, $0) })
}

/// The environment of this process.
///
/// Isolation: pure functions.
enum ProcessEnvironment {
  /// The variables; without HOME, as under some service managers, the home directory of the user stands in for it.
  static var current: [String: String] {
    ProcessInfo.processInfo.environment.merging(["HOME": NSHomeDirectory()]) { given, _ in given }
  }
}
