internal import Basics
public import Foundation
public import Logging

/// Writes each log line as one JSON object: `time`, `level`, `logger`, `message`, then the metadata as strings.
///
/// A key of the metadata that would hide one of those four gets `meta.` in front.
///
/// Isolation: a value; the output it shares is a mutex.
public struct JSONLogHandler: LogHandler {
  /// The least severe level that is written.
  public var logLevel: Logger.Level = .info
  /// What is added to every line.
  public var metadata: Logger.Metadata = [:]
  /// What is added from the task's context.
  public var metadataProvider: Logger.MetadataProvider?

  private let label: String
  private let output: LogOutput
  private let now: @Sendable () -> Date

  /// A handler for one logger.
  ///
  /// - Parameters:
  ///   - label: The logger's name.
  ///   - output: Where the lines go.
  ///   - now: The time; injected by tests.
  public init(label: String, output: LogOutput, now: @escaping @Sendable () -> Date = { Date() }) {
    self.label = label
    self.output = output
    self.now = now
  }

  /// One entry of `metadata`.
  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Writes one line.
  public func log(event: LogEvent) {
    var merged = metadata
    if let provided = metadataProvider?.get() { merged.merge(provided) { $1 } }
    if let given = event.metadata { merged.merge(given) { $1 } }
    var line = "{\"time\":"
    JSONLine.quote(
      now().formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true)) + "Z", into: &line)
    line += ",\"level\":\"\(event.level.rawValue)\",\"logger\":"
    JSONLine.quote(label, into: &line)
    line += ",\"message\":"
    JSONLine.quote("\(event.message)", into: &line)
    for (key, value) in merged.sorted(by: { $0.key < $1.key }) {
      line += ","
      JSONLine.quote(JSONLine.ownKeys.contains(key) ? "meta." + key : key, into: &line)
      line += ":"
      JSONLine.add(value, into: &line)
    }
    output.write(line + "}\n")
  }
}

/// Where log lines go.
///
/// Isolation: the function it was made with must be safe to call from anywhere.
public struct LogOutput: Sendable {
  let write: @Sendable (String) -> Void

  /// An output that hands each line, with its line end, to a function.
  public init(_ write: @escaping @Sendable (String) -> Void) {
    self.write = write
  }

  /// Standard error, one `write` per line, so that lines of several threads never mix.
  public static let standardError = LogOutput { line in
    // A closed standard error must not end the program.
    try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
  }
}

/// JSON for log lines. Messages may hold anything, so everything outside printable ASCII and letters is escaped.
///
/// Isolation: pure functions.
enum JSONLine {
  static let ownKeys: Set<String> = ["time", "level", "logger", "message"]

  static func add(_ value: Logger.Metadata.Value, into line: inout String) {
    switch value {
    case .string(let text): quote(text, into: &line)
    case .stringConvertible(let value): quote("\(value)", into: &line)
    case .array(let values):
      line += "["
      for (index, value) in values.enumerated() {
        if index > 0 { line += "," }
        add(value, into: &line)
      }
      line += "]"
    case .dictionary(let values):
      line += "{"
      for (index, entry) in values.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { line += "," }
        quote(entry.key, into: &line)
        line += ":"
        add(entry.value, into: &line)
      }
      line += "}"
    }
  }

  /// A string in quotes. Control characters, also those above ASCII and the two line separators, are escaped: a log line
  /// stays one line in every viewer, and nobody can forge one.
  static func quote(_ text: String, into line: inout String) {
    line += "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": line += "\\\""
      case "\\": line += "\\\\"
      case "\n": line += "\\n"
      case "\r": line += "\\r"
      case "\t": line += "\\t"
      case "\0"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}", "\u{202A}"..."\u{202E}",
        "\u{2066}"..."\u{2069}":
        line += "\\u" + Hexadecimal.digits(of: scalar.value, atLeast: 4)
      default: line.unicodeScalars.append(scalar)
      }
    }
    line += "\""
  }
}
