import JSONText
import NIOCore

/// Makes an update fit that no node would take; functions without state.
///
/// An update with an image or a large file in it may be larger than a body may be, or nested more deeply. It is published
/// without the parts that make it so, and says that something is missing, instead of vanishing.
enum NotificationTrimmer {
  /// The depth that is left inside of a call's body of 32.
  static let maximumDepth = 29
  /// Parts larger than this are taken out of an update that is too large.
  static let partBytes = 4 * 1024

  /// The notification itself when it fits, else what is left of it; nil when not even that fits.
  static func fit(_ notification: JSONText, maximumBytes: Int) -> JSONText? {
    if fits(notification, maximumBytes) { return notification }
    guard let params = notification["params"], let update = params["update"], update.kind == .object else { return nil }
    let trimmed = JSONText { message in
      message.add("jsonrpc", "2.0")
      message.add("method", notification["method"])
      message.add("params") { object in
        object.add("sessionId", params["sessionId"])
        object.add("update") { object in
          for (name, value) in update.members where name != "_meta" && fits(value, partBytes) {
            object.add(name, value)
          }
          object.add("_meta") { $0.add("tandem") { $0.add("truncated", true) } }
        }
      }
    }
    return fits(trimmed, maximumBytes) ? trimmed : nil
  }

  /// Whether a text is neither larger nor nested more deeply than a node takes.
  static func fits(_ text: JSONText, _ maximumBytes: Int) -> Bool {
    text.bytes.readableBytes <= maximumBytes
      && (try? JSONText(validating: text.bytes, maximumDepth: maximumDepth)) != nil
  }
}
