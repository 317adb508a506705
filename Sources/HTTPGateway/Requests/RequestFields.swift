import JSONText
import NIOCore
import SharedSessions

/// The JSON object of a request's body, read field by field. A value.
///
/// Unknown fields are ignored. `null` counts as absent, so a client that writes out its empty fields is understood.
struct RequestFields: Sendable {
  /// The whole object; nil when the request had no body.
  let object: JSONText?

  /// - Throws: 415 when the body is not declared as JSON, 400 `INVALID_BODY` when it is not one JSON object.
  init(body: ByteBuffer, contentType: String?, maximumDepth: Int) throws(GatewayError) {
    guard body.readableBytes > 0 else {
      object = nil
      return
    }
    guard MediaType.isJSON(contentType) else { throw .unsupportedMediaType }
    let text: JSONText
    do throws(JSONTextError) {
      text = try JSONText(validating: body, maximumDepth: maximumDepth)
    } catch {
      throw GatewayError(.invalidBody, error.message)
    }
    guard text.kind == .object else { throw GatewayError(.invalidBody, "The body must be a JSON object.") }
    object = text
  }

  subscript(name: String) -> JSONText? {
    guard let value = object?[name], !value.isNull else { return nil }
    return value
  }

  /// A string that has to be there.
  func string(_ name: String) throws(GatewayError) -> String {
    guard let value = try optionalString(name) else {
      throw GatewayError(.invalidBody, "'\(name)' is missing; it must be a string.")
    }
    return value
  }

  /// A string that may be absent.
  func optionalString(_ name: String) throws(GatewayError) -> String? {
    guard let value = self[name] else { return nil }
    guard let string = value.string else { throw GatewayError(.invalidBody, "'\(name)' must be a string.") }
    return string
  }

  /// A whole number that has to be there.
  func integer(_ name: String) throws(GatewayError) -> Int64 {
    guard let value = try optionalInteger(name) else {
      throw GatewayError(.invalidBody, "'\(name)' is missing; it must be a whole number.")
    }
    return value
  }

  /// A whole number that may be absent.
  func optionalInteger(_ name: String) throws(GatewayError) -> Int64? {
    guard let value = self[name] else { return nil }
    guard let integer = value.integer else { throw GatewayError(.invalidBody, "'\(name)' must be a whole number.") }
    return integer
  }

  /// A truth value that may be absent.
  func optionalBool(_ name: String) throws(GatewayError) -> Bool? {
    guard let value = self[name] else { return nil }
    guard let flag = value.bool else { throw GatewayError(.invalidBody, "'\(name)' must be true or false.") }
    return flag
  }

  /// One of a vocabulary's words, or nil when absent.
  func optionalWord<Word: RawRepresentable<String> & CaseIterable>(
    _ name: String, as _: Word.Type = Word.self
  ) throws(GatewayError) -> Word? {
    guard let text = try optionalString(name) else { return nil }
    guard let word = Word(rawValue: text) else {
      let words = Word.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
      throw GatewayError(.invalidField, "'\(name)' must be one of \(words).")
    }
    return word
  }

  /// An object that may be absent.
  func optionalObject(_ name: String) throws(GatewayError) -> RequestFields? {
    guard let value = self[name] else { return nil }
    guard value.kind == .object else { throw GatewayError(.invalidBody, "'\(name)' must be an object.") }
    return RequestFields(object: value)
  }

  /// A list that has to be there.
  func list(_ name: String) throws(GatewayError) -> [JSONText] {
    guard let value = self[name] else {
      throw GatewayError(.invalidBody, "'\(name)' is missing; it must be a list.")
    }
    guard value.kind == .array else { throw GatewayError(.invalidBody, "'\(name)' must be a list.") }
    return value.elements
  }

  private init(object: JSONText) {
    self.object = object
  }
}

/// Content types, as far as this server tells them apart; functions without state.
enum MediaType {
  static func isJSON(_ contentType: String?) -> Bool { essence(contentType) == "application/json" }
  static func isNDJSON(_ contentType: String?) -> Bool { essence(contentType) == "application/x-ndjson" }

  /// The type without its parameters.
  private static func essence(_ contentType: String?) -> String? {
    guard let type = contentType?.prefix(while: { $0 != ";" }) else { return nil }
    return type.trimmingBlanks().lowercased()
  }
}

extension StringProtocol {
  /// Without spaces and tabs at either end.
  func trimmingBlanks() -> SubSequence {
    let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    guard let start = firstIndex(where: { !isBlank($0) }), let end = lastIndex(where: { !isBlank($0) }) else {
      return self[endIndex..<endIndex]
    }
    return self[start...end]
  }
}
