import Foundation

/// Secrets that are kept in files, so that neither the list of processes nor the environment shows them.
///
/// Isolation: pure functions over the file system.
enum SecretFile {
  /// Bytes of the largest file that is read.
  static let maximumBytes = 64 << 10

  /// A file that cannot be used; an immutable value.
  struct Failure: Error {
    /// The end of the sentence "PATH ...", which holds nothing of the content.
    let reason: String
  }

  /// The entries of a file: one a line, without blank lines and those that begin with `#`.
  ///
  /// - Throws: `Failure` when it cannot be read, holds nothing, or holds what breaks the rule, with the line's number.
  static func entries(_ path: String, _ rule: TextRule) throws(Failure) -> [String] {
    var entries: [String] = []
    for (index, line) in try text(path).split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let entry = line.trimmingCharacters(in: .whitespaces)
      if entry.isEmpty || entry.hasPrefix("#") { continue }
      guard rule.accepts(entry) else { throw Failure(reason: "line \(index + 1) must be \(rule.allowed)") }
      entries.append(entry)
    }
    guard !entries.isEmpty else { throw Failure(reason: "holds no entry") }
    return entries
  }

  /// The one line of a file.
  ///
  /// - Throws: `Failure` when it cannot be read, is empty, or holds more than one line.
  static func line(_ path: String) throws(Failure) -> String {
    var line = try text(path)
    if line.hasSuffix("\n") { line.removeLast() }
    guard !line.isEmpty, !line.contains(where: \.isNewline), !line.contains("\0") else {
      throw Failure(reason: "must hold one line and nothing else")
    }
    return line
  }

  /// The whole text, with the line ends of Unix.
  private static func text(_ path: String) throws(Failure) -> String {
    let content: Data
    do {
      let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? file.close() }
      content = try file.read(upToCount: maximumBytes + 1) ?? Data()
    } catch {
      throw Failure(
        reason: FileManager.default.fileExists(atPath: path) ? "cannot be read" : "does not exist")
    }
    guard content.count <= maximumBytes else {
      throw Failure(reason: "is larger than \(ByteCountText.format(maximumBytes))")
    }
    guard let text = String(validating: content, as: UTF8.self) else { throw Failure(reason: "is not UTF-8 text") }
    return text.replacing("\r\n", with: "\n")
  }
}
