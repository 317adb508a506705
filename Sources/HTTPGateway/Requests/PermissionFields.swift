import JSONText
import NIOCore
import SharedSessions

/// What a bridge sends when its agent asks for permission; functions without state.
enum PermissionFields {
  /// Most options of one request.
  static let options = 32
  /// Most characters of an option's id.
  static let optionID = 256
  /// Most characters of an option's name and kind.
  static let optionText = 1_024
  /// Most characters of the summary taken from the tool call.
  private static let summary = 500

  /// Checks the fields.
  ///
  /// - Throws: 400 `INVALID_BODY` for another form, `INVALID_FIELD` for what is beyond its bounds.
  static func request(_ fields: RequestFields, _ rules: FieldRules) throws -> PermissionRequest {
    let dispatchID = try rules.identifier(try fields.string("dispatchId"), "dispatchId")
    guard let toolCall = try fields.optionalObject("toolCall")?.object else {
      throw GatewayError(.invalidBody, "'toolCall' is missing; it must be an object.")
    }
    let list = try fields.list("options")
    guard (1...options).contains(list.count) else {
      throw GatewayError(.invalidField, "'options' holds \(list.count); 1 to \(options) are taken.")
    }
    var ids: Set<String> = []
    for (index, option) in list.enumerated() {
      let id = try text(option, "optionId", index, most: optionID)
      _ = try text(option, "name", index, most: optionText)
      guard try !text(option, "kind", index, most: optionText).isEmpty, !id.isEmpty else {
        throw GatewayError(.invalidField, "'options[\(index)]' has a blank 'optionId' or 'kind'.")
      }
      guard ids.insert(id).inserted else {
        throw GatewayError(.invalidField, "'options[\(index)].optionId' is that of another option.")
      }
    }
    return PermissionRequest(
      dispatchID: dispatchID, summary: summary(of: toolCall),
      toolCall: try bytes(toolCall, "toolCall", rules),
      options: try bytes(JSONText(array: list), "options", rules))
  }

  /// What is asked, for somebody who only sees a prompt.
  static func summary(of toolCall: JSONText) -> String {
    let title = [toolCall["title"]?.string, toolCall["toolCallId"]?.string].compactMap { $0 }
      .first { !FieldRules.isBlank($0) }
    let text = (title ?? "a tool call").replacing("\0", with: "\u{FFFD}")
    return text.unicodeScalars.count <= summary
      ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(summary))) + "…"
  }

  private static func text(_ option: JSONText, _ name: String, _ index: Int, most: Int) throws -> String {
    guard let value = option[name]?.string else {
      throw GatewayError(.invalidBody, "'options[\(index)].\(name)' is missing; it must be a string.")
    }
    guard value.unicodeScalars.count <= most else {
      throw GatewayError(.invalidField, "'options[\(index)].\(name)' must be at most \(most) characters long.")
    }
    return value
  }

  /// A text on one line and otherwise byte for byte: a line end would cut the event it becomes a part of.
  private static func bytes(_ value: JSONText, _ name: String, _ rules: FieldRules) throws -> ByteBuffer {
    let bytes = Notifications.onOneLine(value).bytes
    guard bytes.readableBytes <= rules.toolCall else {
      throw GatewayError(
        .invalidField, "'\(name)' has \(bytes.readableBytes) bytes; at most \(rules.toolCall) are taken.")
    }
    return bytes
  }
}
