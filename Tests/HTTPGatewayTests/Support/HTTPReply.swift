import JSONText
import NIOCore
import TestSupport

/// One complete reply of known length, taken apart. A value.
struct HTTPReply: Sendable {
  let status: Int
  let headers: [String: String]
  let body: String

  /// Reads one reply from the start of a text; nil while it is incomplete.
  ///
  /// - Parameter hasBody: false for the answer to a HEAD, whose length says what a GET would get.
  init?(_ text: String, hasBody: Bool = true) {
    guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
    var lines = text[..<end.lowerBound].split(separator: "\r\n")
    guard let status = lines.removeFirst().split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
      return nil
    }
    var headers: [String: String] = [:]
    for line in lines {
      let parts = line.split(separator: ":", maxSplits: 1)
      headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
    }
    let length = hasBody ? headers["content-length"].flatMap { Int($0) } ?? 0 : 0
    let rest = text[end.upperBound...].utf8
    guard rest.count >= length else { return nil }
    self.status = status
    self.headers = headers
    self.body = String(decoding: rest.prefix(length), as: UTF8.self)
  }

  /// The body as JSON.
  var json: JSONText {
    get throws { try JSONText(validating: body) }
  }

  /// A text in the body, by the names that lead to it.
  func text(_ path: String...) throws -> String {
    var value: JSONText? = try json
    for name in path { value = value?[name] }
    guard let text = value?.string else { throw UnexpectedReply("No text at \(path) in \(body)") }
    return text
  }

  /// The `code` of an error body, which must have a sentence too.
  var errorCode: String {
    get throws {
      guard headers["content-type"] == "application/json", let sentence = try json["error"]?.string, !sentence.isEmpty
      else { throw UnexpectedReply("No error body: \(status) \(headers) \(body)") }
      return try text("code")
    }
  }
}

/// A reply that is not what a test is about. A value.
struct UnexpectedReply: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}

extension RawConnection {
  /// The one reply of a connection.
  func reply(hasBody: Bool = true) async throws -> HTTPReply {
    try await eventually("a reply in: \(received.prefix(500))") { HTTPReply(received, hasBody: hasBody) }
  }
}
