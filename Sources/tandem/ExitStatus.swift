import ArgumentParser
import Foundation

/// The statuses this program ends with, as in sysexits.h.
enum ExitStatus {
  /// Redis cannot be reached or started.
  static let unavailable = ExitCode(69)
  /// The configuration is wrong.
  static let configuration = ExitCode(78)
}

/// Lines for the person at the terminal, apart from the log.
enum StandardError {
  /// Writes one line.
  static func write(_ line: String) {
    // Nobody may be listening any more; that must not end the program.
    try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8))
  }
}

/// Output other programs read.
enum StandardOutput {
  /// Writes one line at once, also into a pipe.
  static func write(_ line: String) {
    try? FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8))
  }
}
