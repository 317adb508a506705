import Basics
import JSONText
import NIOCore
import SharedSessions

/// An agent's notifications as a bridge sends them; functions without state.
enum Notifications {
  /// Most notifications that are appended in one step.
  static let batch = 500

  /// Checks one and gives its text, on one line and otherwise byte for byte.
  static func text(_ value: JSONText) throws(GatewayError) -> JSONText {
    guard value.kind == .object else { throw GatewayError(.invalidBody, "Each notification must be a JSON object.") }
    return onOneLine(value)
  }

  /// A text as it is, but for line ends: they can only stand between the parts of a JSON text, and would cut an event.
  static func onOneLine(_ value: JSONText) -> JSONText {
    let hasLineEnds = value.bytes.readableBytesView.contains { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
    return hasLineEnds ? value.compacted() : value
  }

  /// The lines of an NDJSON body that hold something.
  ///
  /// - Parameter mostBytes: of one line, for the sentence.
  /// - Throws: 413 `BODY_TOO_LARGE` when one was longer.
  static func lines(_ framed: [LineFramer.Line], _ mostBytes: Int) throws(GatewayError) -> [ByteBuffer] {
    var lines: [ByteBuffer] = []
    for line in framed {
      guard case .complete(let line) = line else {
        throw GatewayError(
          status: 413, code: "BODY_TOO_LARGE",
          message: "A line is longer than the \(mostBytes) bytes this server takes.")
      }
      if !line.readableBytesView.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) {
        lines.append(line)
      }
    }
    return lines
  }

  /// Checks one line of an NDJSON body.
  ///
  /// - Throws: 400 `INVALID_BODY` naming the line; the lines before it have been accepted.
  static func text(line: ByteBuffer, number: Int, maximumDepth: Int) throws(GatewayError) -> JSONText {
    let value: JSONText
    do throws(JSONTextError) {
      value = try JSONText(validating: line, maximumDepth: maximumDepth)
    } catch {
      throw GatewayError(.invalidBody, "Line \(number): \(error.message)")
    }
    return try text(value)
  }
}
