internal import JSONText
internal import NIOCore
internal import RedisClient

/// What a script answered: the first element says how, the rest are its parts. A value.
enum ScriptOutcome: Sendable {
  /// It was done; the parts are as the script's header says.
  case ok([RedisValue])
  /// It had been done before under the same Idempotency-Key: the sealed tokens, and the parts of the first answer.
  case repeated(sealed: String, parts: [RedisValue])
  /// It was refused with a code of the contract, or with a word between node and script such as `not_due`.
  case refused(String, detail: [String])

  init(_ value: RedisValue) throws(SharedSessionError) {
    guard let list = value.array, let word = list.first?.string else { throw SharedSessionError(.internalError) }
    switch word {
    case "ok": self = .ok(Array(list.dropFirst()))
    case "repeated":
      self = .repeated(sealed: list.count > 1 ? list[1].string ?? "" : "", parts: Array(list.dropFirst(2)))
    default: self = .refused(word, detail: list.dropFirst().compactMap(\.string))
    }
  }

  /// The parts, whether now or repeated; a refusal is thrown as the error it stands for.
  func parts(atLeast count: Int = 0) throws(SharedSessionError) -> [RedisValue] {
    switch self {
    case .ok(let parts), .repeated(_, let parts):
      guard parts.count >= count else { throw SharedSessionError(.internalError) }
      return parts
    case .refused(let word, let detail): throw Self.error(word, detail)
    }
  }

  /// The word of a refusal, or nil.
  var refusal: String? { if case .refused(let word, _) = self { word } else { nil } }

  /// The error a refusal stands for, with what the script adds in its sentence where that helps.
  static func error(_ word: String, _ detail: [String]) -> SharedSessionError {
    guard let code = ErrorCode(rawValue: word) else { return SharedSessionError(.internalError) }
    guard let first = detail.first, !first.isEmpty else { return SharedSessionError(code) }
    switch (code, first) {
    case (.sessionInactive, "expired"): return SharedSessionError(code, "This shared session has expired.")
    case (.sessionInactive, "closed"): return SharedSessionError(code, "This shared session has been closed.")
    case (.approvalAlreadyResolved, let status):
      let by = detail.count > 1 ? ParticipantName(record: detail[1]).map { " by \($0.text)" } ?? "" : ""
      return SharedSessionError(code, "This approval was resolved already: it is \(status)\(by).")
    case (.authorRequired, "permission"), (.authorRequired, "question"):
      return SharedSessionError(
        code, "This is a request of the agent; it can be answered, but not withdrawn by a participant.")
    case (.approvalLimit, "permission"):
      return SharedSessionError(code, "Too many permission requests of the agent are waiting; answer some first.")
    case (.controlNotAvailable, "mode"): return SharedSessionError(code, "The agent offers no such mode.")
    case (.approvalLimit, "question"):
      return SharedSessionError(code, "Too many questions of the agent are waiting; answer some first.")
    case (.approvalLimit, "votes"):
      return SharedSessionError(code, "Too many prompts with votes are waiting; decide on some first.")
    case (.approvalLimit, "attachments"):
      return SharedSessionError(code, "The attachments of prompts that wait fill this session; decide on some first.")
    case (.contentNotSupported, let kind):
      return SharedSessionError(code, "This session's agent does not take content of the kind '\(kind)'.")
    case (.invalidOption, let side):
      return SharedSessionError(code, "That option means '\(side)', which is not the action given.")
    case (.dispatchConflict, "permission"):
      return SharedSessionError(code, "This dispatch does not run (any more), or is being cancelled.")
    case (.dispatchConflict, "queue"):
      return SharedSessionError(code, "This prompt does not wait in the queue (any more).")
    case (.invalidField, let why): return SharedSessionError(code, sentences[why])
    default: return SharedSessionError(code)
    }
  }

  /// Why a field does not fit what is there, by the word a script says it with.
  private static let sentences = [
    "permission":
      "'editedPrompt' and 'promptHash' are for prompts, 'answer' is for questions, and this is a permission request.",
    "prompt": "'optionId' is for permission requests, 'answer' is for questions, and this is a prompt.",
    "question":
      "'editedPrompt' and 'promptHash' are for prompts, 'optionId' is for permission requests, and this is a question.",
    "control":
      "'editedPrompt', 'optionId' and 'answer' are not for a change of the agent's mode or options; reject it and propose another.",
    "remove_host": "The host cannot be removed; close the session instead.",
    "role_of_host": "'role' of the host cannot be changed.",
    "viewer_decides": "'canApprove' is for collaborators.",
    "is_host": "'newHostParticipantId' must be another one's: this participant is the host already.",
  ]
}

extension Array where Element == RedisValue {
  /// The bytes of a part a script promised.
  func part(_ index: Int) throws(SharedSessionError) -> ByteBuffer {
    guard indices.contains(index), let bytes = self[index].bytes else { throw SharedSessionError(.internalError) }
    return bytes
  }

  /// The text of a part a script promised.
  func text(_ index: Int) throws(SharedSessionError) -> String {
    guard indices.contains(index), let text = self[index].string else { throw SharedSessionError(.internalError) }
    return text
  }

  /// The whole number in a part a script promised.
  func number(_ index: Int) throws(SharedSessionError) -> Int {
    guard indices.contains(index), let number = self[index].integer else { throw SharedSessionError(.internalError) }
    return number
  }

  /// All parts from one on as texts.
  func texts(from index: Int) throws(SharedSessionError) -> [String] {
    guard count >= index else { throw SharedSessionError(.internalError) }
    return self[index...].compactMap(\.string)
  }

  /// The list of texts in a part a script promised.
  func list(_ index: Int) throws(SharedSessionError) -> [String] {
    guard indices.contains(index), let values = self[index].array else { throw SharedSessionError(.internalError) }
    return values.compactMap(\.string)
  }
}
