import JSONText
import SharedSessions

/// The body with which somebody changes how the agent works; functions without state.
enum ControlFields {
  /// Checks the fields. The id of a mode is its `value`; one that comes as `id` alone is taken as well.
  ///
  /// - Throws: 400 `INVALID_BODY` for another form, `INVALID_FIELD` for what is beyond its bounds.
  static func request(_ fields: RequestFields) throws -> ControlRequest {
    switch try fields.string("kind") {
    case "mode":
      let value = try fields.optionalString("value") ?? fields.optionalString("id")
      guard let value else {
        throw GatewayError(.invalidBody, "'value' is missing; it must be the mode's id.")
      }
      return .mode(try checked(value, "value"))
    case "option":
      let id = try checked(try fields.string("id"), "id")
      guard let value = fields["value"] else {
        throw GatewayError(.invalidBody, "'value' is missing; it must be a string, or true or false.")
      }
      if value.kind == .boolean { return .option(id, value: value) }
      guard let word = value.string else {
        throw GatewayError(.invalidBody, "'value' must be a string, or true or false.")
      }
      return .option(id, value: JSONText(string: try checked(word, "value")))
    default: throw GatewayError(.invalidField, "'kind' must be 'mode' or 'option'.")
    }
  }

  private static func checked(_ text: String, _ field: String) throws -> String {
    guard (1...ControlRequest.longestID).contains(text.unicodeScalars.count) else {
      throw GatewayError(
        .invalidField, "'\(field)' must be 1 to \(ControlRequest.longestID) characters long.")
    }
    return text
  }
}
