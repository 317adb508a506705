import JSONText

/// What a node says of what the agent asked: an immutable value, from a message of the dispatches or from asking for it.
struct PermissionNotice: Sendable, Hashable {
  let approvalID: String
  let status: String
  var optionID: String?
  /// The fields of the answer to a question.
  var answer: JSONText?
  /// Why it was withdrawn, as a word of the contract, or what the one who answered has added.
  var reason: String?
  /// What the one who answered is called.
  var resolver: String?

  init(
    approvalID: String, status: String, optionID: String? = nil, answer: JSONText? = nil, reason: String? = nil,
    resolver: String? = nil
  ) {
    self.approvalID = approvalID
    self.status = status
    self.optionID = optionID
    self.answer = answer
    self.reason = reason
    self.resolver = resolver
  }

  /// Reads the payload of a `permission` or `question` message; nil when it isn't what the contract says.
  init?(payload: JSONText) {
    guard let id = payload["approvalId"]?.string, let status = payload["status"]?.string else { return nil }
    self.init(
      approvalID: id, status: status, optionID: payload["optionId"]?.string,
      answer: payload["answer"], reason: payload["reason"]?.string,
      resolver: payload["resolvedByName"]?.string)
  }

  /// Reads the answer of `GET .../permissions/{aid}` or `.../questions/{aid}`; nil when it isn't what the contract says.
  init?(reply: JSONText) {
    guard let approval = reply["approval"], let id = approval["id"]?.string, let status = approval["status"]?.string
    else { return nil }
    self.init(
      approvalID: id, status: status, optionID: approval["optionId"]?.string,
      answer: approval["answer"], reason: approval["reason"]?.string,
      resolver: reply["resolvedByName"]?.string)
  }
}
