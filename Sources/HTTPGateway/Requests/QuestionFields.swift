import JSONText
import NIOCore
import SharedSessions

/// What a bridge sends when its agent wants to know something, and what people answer; functions without state.
enum QuestionFields {
  /// Checks the fields of a question.
  ///
  /// - Throws: 400 `INVALID_BODY` for another form, `INVALID_FIELD` for what is beyond its bounds or cannot be asked.
  static func question(_ fields: RequestFields, _ rules: FieldRules) throws -> AgentQuestion {
    let dispatchID = try fields.optionalString("dispatchId").map { try rules.identifier($0, "dispatchId") }
    let message = try rules.text(try fields.string("message"), "message", mostBytes: rules.question)
    guard !FieldRules.isBlank(message) else { throw GatewayError(.invalidField, "'message' must not be blank.") }
    let (schema, url) = (try fields.optionalObject("schema")?.object, try fields.optionalString("url"))
    switch (schema, url) {
    case (let schema?, nil):
      let checked: QuestionSchema
      do {
        checked = try QuestionSchema(schema)
      } catch {
        throw GatewayError(.invalidField, error.message)
      }
      let bytes = checked.text.bytes.readableBytes
      guard bytes <= rules.question else {
        throw GatewayError(.invalidField, "'schema' has \(bytes) bytes; at most \(rules.question) are taken.")
      }
      return AgentQuestion(dispatchID: dispatchID, message: message, form: .fields(checked))
    case (nil, let url?):
      guard let page = QuestionPage(url) else {
        throw GatewayError(
          .invalidField,
          "'url' must be an absolute http or https URL of at most \(QuestionPage.mostCharacters) characters, in ASCII and without a user's name."
        )
      }
      return AgentQuestion(dispatchID: dispatchID, message: message, form: .page(page))
    default: throw GatewayError(.invalidBody, "A question has either a 'schema' or a 'url'.")
    }
  }

  /// The answer to a question; nil when there is none.
  ///
  /// - Throws: 400 `INVALID_BODY` for what is no object, `INVALID_FIELD` for one that is too large.
  static func answer(_ fields: RequestFields, _ rules: FieldRules) throws -> JSONText? {
    guard let answer = try fields.optionalObject("answer")?.object else { return nil }
    let bytes = answer.bytes.readableBytes
    guard bytes <= rules.question else {
      throw GatewayError(.invalidField, "'answer' has \(bytes) bytes; at most \(rules.question) are taken.")
    }
    return answer
  }
}
