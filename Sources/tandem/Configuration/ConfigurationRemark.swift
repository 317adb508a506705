import Logging
import Observability

/// Something about a configuration that does not stop the start and that its operator should know.
///
/// Isolation: an immutable value.
struct ConfigurationRemark: Sendable, Hashable {
  let level: Logger.Level
  /// The same for every case of it.
  let message: String
  /// What it is about: names of variables, a hint.
  var detail: String?

  /// One line of the log.
  func log(_ logger: Logger) {
    logger.log(
      level: level, Logger.Message(stringLiteral: message),
      metadata: detail.map { [LogKey.detail: "\($0)"] })
  }

  /// The same for a person at a terminal.
  var sentence: String { "\(level): \(message)" + (detail.map { ": \($0)" } ?? "") }
}
