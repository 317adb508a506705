import ArgumentParser
import Foundation

/// The API key of a host, from wherever it is kept.
///
/// Isolation: an immutable value once parsed.
struct HostKeyOptions: ParsableArguments {
  /// The largest file that is taken for one that holds a key.
  private static let maximumBytes = 4_096

  @Option(
    help: ArgumentHelp(
      "An API key, for servers that want one. Default: TANDEM_API_KEY from the environment. Flags are visible to other "
        + "users of this machine while the program runs; a file is not.", valueName: "key"))
  var apiKey: String?

  @Option(help: ArgumentHelp("A file that holds the API key and nothing else.", valueName: "file"))
  var apiKeyFile: String?

  func validate() throws {
    if apiKey != nil, apiKeyFile != nil { throw ValidationError("Give --api-key or --api-key-file, not both.") }
    if let apiKeyFile { _ = try Self.read(apiKeyFile) }
  }

  /// The key, if there is one: a flag counts more than the environment.
  func key(environment: [String: String]) throws -> String? {
    if let apiKeyFile { return try Self.read(apiKeyFile) }
    return apiKey ?? environment["TANDEM_API_KEY"]
  }

  private static func read(_ path: String) throws -> String {
    guard let file = FileHandle(forReadingAtPath: path),
      let bytes = try? file.read(upToCount: maximumBytes + 1)
    else { throw ValidationError("--api-key-file: \(path) cannot be read, or is empty.") }
    let key = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    guard bytes.count <= maximumBytes, !key.isEmpty, key.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else {
      throw ValidationError("--api-key-file: \(path) must hold one API key and nothing else.")
    }
    return key
  }
}
