import AgentClientProtocol
import JSONText
import Logging
import Observability

/// Asks people for what the agent wants to know (ACP `elicitation/create`), in the shared session; an immutable value.
///
/// The first answer wins, the node says which that is, and holds it against what the agent asked for. The host answers in their
/// terminal or on their page like anybody who may decide.
struct QuestionDesk: Sendable {
  let session: SessionPermissions
  let logger: Logger
  /// Takes out what the session must not see.
  var redact: @Sendable (JSONText) -> JSONText = { $0 }
  /// The dispatch whose turn runs.
  let runningDispatch: @Sendable () -> Dispatch?

  /// Asks, and waits for as long as it takes. When the task is cancelled, the question is taken back.
  func use(_ request: AgentToolRequest) async -> AgentToolAnswer {
    guard let body = body(request.params) else { return .invalid("This question is neither a form nor a page") }
    let question = session.inquire(body)
    let end = await withTaskCancellationHandler {
      await question.outcome()
    } onCancel: {
      question.change { $0.withdraw() }
    }
    switch end {
    case .told(let answer): return Self.result("accept", answer)
    case .declined: return Self.result("decline")
    case .refused(.refused(let status, let code, let message))
    where status == 413 || code == "INVALID_FIELD" || code == "INVALID_BODY":
      logger.warning("a question of the agent can't be asked", metadata: [LogKey.error: "\(message)"])
      return .invalid(message)
    case .refused(let error):
      logger.warning("a question of the agent can't be asked", metadata: [LogKey.error: "\(error)"])
      return Self.result("cancel")
    case .answered, .withdrawn, nil: return Self.result("cancel")
    }
  }

  /// What a node is told; nil for what the protocol does not know.
  private func body(_ params: JSONText) -> JSONText? {
    guard let message = params["message"]?.string else { return nil }
    let (schema, url) = (params["requestedSchema"], params["url"]?.string)
    switch params["mode"]?.string ?? (url == nil ? "form" : "url") {
    case "form":
      guard let schema, schema.kind == .object else { return nil }
      let shown = redact(schema)
      // Whoever chose a value that was taken out would choose what the agent does not know.
      guard Self.choices(shown) == Self.choices(schema) else { return nil }
      return JSONText {
        $0.add("dispatchId", runningDispatch()?.id)
        $0.add("message", redact(JSONText(string: message)))
        $0.add("schema", shown)
      }
    case "url":
      guard let url else { return nil }
      return JSONText {
        $0.add("dispatchId", runningDispatch()?.id)
        $0.add("message", redact(JSONText(string: message)))
        // It is what people are to open: with anything taken out it would lead nowhere.
        $0.add("url", url)
      }
    default: return nil
    }
  }

  /// Everything of a schema that comes back in an answer: the names of its fields and what there is to choose from.
  private static func choices(_ schema: JSONText) -> [String] {
    (schema["properties"]?.members ?? []).flatMap { name, field -> [String] in
      let lists = [field["enum"], field["oneOf"], field["items"]?["enum"], field["items"]?["anyOf"]]
      let values = lists.flatMap { $0?.elements ?? [] }.map { $0.string ?? $0["const"]?.string ?? "" }
      return [name] + values
    }
  }

  private static func result(_ action: String, _ content: JSONText? = nil) -> AgentToolAnswer {
    .result(
      JSONText {
        $0.add("action", action)
        $0.add("content", content)
      })
  }
}
