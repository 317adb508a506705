internal import JSONText

/// The body of `POST /api/host-sessions/{hid}/questions`, form already checked: what an agent wants to know of its people.
public struct AgentQuestion: Sendable, Hashable {
  /// How it is answered.
  public enum Form: Sendable, Hashable {
    /// By filling in fields.
    case fields(QuestionSchema)
    /// By opening a page: an approval says that somebody agrees to, the rest happens there.
    case page(QuestionPage)
  }

  /// The dispatch whose turn waits for the answer; nil is the one that runs, if any.
  public var dispatchID: String?
  /// What is asked.
  public var message: String
  /// How it is answered.
  public var form: Form

  /// Gathers the fields.
  public init(dispatchID: String?, message: String, form: Form) {
    self.dispatchID = dispatchID
    self.message = message
    self.form = form
  }

  /// `question` of the approval.
  var text: JSONText {
    JSONText { object in
      switch form {
      case .fields(let schema): object.add("schema", schema.text)
      case .page(let page):
        object.add("url", page.url)
        object.add("host", page.host)
      }
    }
  }

  /// The form as the scripts call it.
  var word: String {
    switch form {
    case .fields: "form"
    case .page: "url"
    }
  }
}

/// A page that an agent wants somebody to open. A value.
public struct QuestionPage: Sendable, Hashable {
  /// Most characters of its address.
  public static let mostCharacters = 2_048

  /// The address, as it was given.
  public let url: String
  /// Where it leads, for whoever has to decide whether to go there; with the port where there is one.
  public let host: String

  /// Reads an address: absolute, of http or https, in ASCII, and without a user's name, which only serves to mislead.
  public init?(_ url: String) {
    guard url.utf8.count <= Self.mostCharacters,
      url.utf8.allSatisfy({ (0x21...0x7e).contains($0) && !"\"<>\\^`{|}".utf8.contains($0) })
    else { return nil }
    let lower = url.lowercased()
    guard let scheme = ["https://", "http://"].first(where: lower.hasPrefix) else { return nil }
    let host = url.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
    guard !host.isEmpty, !host.contains("@"), host.first != ":" else { return nil }
    self.url = url
    self.host = host.lowercased()
  }
}
