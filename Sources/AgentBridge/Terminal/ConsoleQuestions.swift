import AgentClientProtocol
import Basics
import Crypto
import JSONText
import NIOCore

/// What waits for a host at a terminal: a pure value that takes what happens and what is typed, and returns what to do.
///
/// Each proposal and each question gets a number, which stays with it and is never given again. An answer names that
/// number and is bound to what was shown under it: it can't take something that came in its place meanwhile. An answer to
/// what is gone says so and does nothing.
struct ConsoleQuestions: Sendable {
  /// What is kept at most. What is beyond can still be decided on elsewhere.
  struct Limits: Sendable {
    /// Proposals and questions that are open.
    var open = 10_000
    /// Bytes of proposals that can be shown once more.
    var textBytes = 4 * 1024 * 1024
    /// Ended ones of which it is known how they ended.
    var ended = 1_000
    /// Rows of a tool call that are shown at first.
    var rows = ToolCallText.defaultRows
  }

  /// What a proposal or a question is called, for good.
  struct Name: Sendable, Hashable, CustomStringConvertible {
    let letter: Character
    let number: Int

    var description: String { "\(letter)\(number)" }
  }

  /// What is to be done about a line.
  enum Action: Sendable, Hashable {
    /// Show this.
    case say(String)
    /// Resolve the proposal, then call `resolved` or `failed`.
    case resolve(Name, approvalID: String, promptHash: String, approve: Bool)
    /// Answer what the agent wants to know, or decline to, then call `resolved` or `failed`.
    case reply(Name, approvalID: String, approve: Bool, answer: JSONText?)
    /// Give the agent's question this answer, and show the text.
    case choose(key: Int, optionID: String, say: String)
  }

  private enum Subject: Sendable {
    /// `text` is nil when it is no longer kept.
    case prompt(approvalID: String, hash: String, author: String, text: String?)
    case question(AgentPermissionRequest, isCut: Bool)
    case form(QuestionForm)
  }

  private struct Entry: Sendable {
    let name: Name
    var subject: Subject
    var isAnswered = false
  }

  private struct Ended: Sendable {
    let name: Name
    let key: Int?
    let how: String
  }

  private let limits: Limits
  private var nextNumber = 1
  private var open: [Entry] = []
  private var ended: [Ended] = []

  init(limits: Limits = Limits()) {
    self.limits = limits
  }

  // MARK: - What happens

  /// Somebody proposes a prompt.
  ///
  /// - Returns: what to show.
  ///
  /// - Parameter content: its blocks, where it has more than a text.
  mutating func proposed(_ prompt: String, content: JSONText? = nil, approvalID: String, by author: String) -> String {
    let shown = content.map { Array($0.canonical().bytes.readableBytesView) } ?? Array(prompt.utf8)
    let hash = Hexadecimal.encode(SHA256.hash(data: shown))
    let whole = prompt + Self.attachments(content)
    let subject = Subject.prompt(approvalID: approvalID, hash: hash, author: author, text: whole)
    return text(of: add("p", subject))
  }

  /// The agent asks.
  ///
  /// - Returns: what to show.
  mutating func asked(_ request: AgentPermissionRequest) -> String {
    let call = ToolCallText(request.toolCall, options: request.options, rows: limits.rows)
    return text(of: add("q", .question(request, isCut: call.isCut)))
  }

  /// What a prompt brings along, a line each.
  private static func attachments(_ content: JSONText?) -> String {
    (content?.elements ?? []).compactMap { block -> String? in
      switch block["type"]?.string {
      case "text", nil: return nil
      case "resource_link": return "\n(link: \(block["uri"]?.string ?? ""))"
      case let type?:
        let name = block["name"]?.string.map { " \($0)" } ?? ""
        return "\n(\(type):\(name), \(block["mimeType"]?.string ?? ""), \(block["size"]?.integer ?? 0) bytes)"
      }
    }.joined()
  }

  /// The agent wants to know something.
  ///
  /// - Returns: what to show.
  mutating func inquired(_ form: QuestionForm) -> String { text(of: add("q", .form(form))) }

  /// A proposal can't be decided on any more.
  ///
  /// - Parameter how: goes on the sentence "p3 ...".
  /// - Returns: its name, when it was open.
  @discardableResult
  mutating func ended(approvalID: String?, _ how: String) -> Name? {
    end(how) {
      switch $0.subject {
      case .prompt(let id, _, _, _): id == approvalID
      case .form(let form): form.approvalID == approvalID
      case .question: false
      }
    }
  }

  /// A question needs no answer any more.
  ///
  /// - Returns: its name, when it was open.
  @discardableResult
  mutating func ended(key: Int, _ how: String) -> Name? {
    end(how) { if case .question(let request, _) = $0.subject { request.key == key } else { false } }
  }

  /// What a question is or was called.
  func name(ofKey key: Int) -> Name? {
    ended.last { $0.key == key }?.name
      ?? open.first { if case .question(let request, _) = $0.subject { request.key == key } else { false } }?.name
  }

  /// The host's decision doesn't count, and the proposal still waits.
  mutating func failed(_ name: Name) {
    if let index = open.firstIndex(where: { $0.name == name }) { open[index].isAnswered = false }
  }

  // MARK: - What is typed

  /// What to do about a line.
  mutating func typed(_ line: String) -> Action? {
    switch HostCommandLine(line) {
    case .blank: return nil
    case .resolve(let approve, let reference): return find(reference) { $0.resolve($1, approve) }
    case .answer(let reference, let option, let anyway): return find(reference) { $0.answer($1, option, anyway) }
    case .fill(let reference, let field, let value): return find(reference) { $0.fill($1, field, value) }
    case .show(let reference, let all): return find(reference) { $0.show($1, all) }
    case .list: return .say(list)
    case .unnamed: return .say("  Say what you decide on, by its number. \(Self.help)\n" + (open.isEmpty ? "" : list))
    case .other: return .say("  Not understood, and nothing was done. \(Self.help)\n")
    }
  }

  private static let help = "a p3 approves proposal p3, r p3 rejects it, q4 2 gives question q4 its answer 2, ? lists."

  private mutating func find(
    _ reference: HostCommandLine.Reference, _ body: (inout ConsoleQuestions, Int) -> Action
  ) -> Action {
    let matches = { (name: Name) in
      name.number == reference.number && (reference.letter == nil || reference.letter == name.letter)
    }
    if let index = open.firstIndex(where: { matches($0.name) }) { return body(&self, index) }
    if let gone = ended.last(where: { matches($0.name) }) {
      return .say("  \(gone.name) \(gone.how). Your line did nothing.\n")
    }
    return .say("  Nothing of that number is waiting. Your line did nothing.\n")
  }

  private mutating func resolve(_ index: Int, _ approve: Bool) -> Action {
    let name = open[index].name
    if case .form(let form) = open[index].subject {
      guard !open[index].isAnswered else { return .say("  You have answered \(name) already.\n") }
      open[index].isAnswered = true
      return .reply(name, approvalID: form.approvalID, approve: approve, answer: approve ? form.answer : nil)
    }
    guard case .prompt(let id, let hash, _, _) = open[index].subject else {
      return .say("  \(name) is a question of the agent: answer it with \(name) and the number of an answer.\n")
    }
    guard !open[index].isAnswered else { return .say("  You have decided on \(name) already.\n") }
    open[index].isAnswered = true
    return .resolve(name, approvalID: id, promptHash: hash, approve: approve)
  }

  private mutating func answer(_ index: Int, _ number: Int, _ anyway: Bool) -> Action {
    let name = open[index].name
    guard case .question(let request, let isCut) = open[index].subject else {
      if case .form = open[index].subject {
        return .say("  \(name) has fields: \(name) 1=... fills the first one in, a \(name) sends them.\n")
      }
      return .say("  \(name) is a proposal: a \(name) approves it, r \(name) rejects it.\n")
    }
    guard request.options.indices.contains(number - 1) else {
      return .say("  \(name) has no answer \(number). Your line did nothing.\n")
    }
    guard anyway || !isCut else {
      return .say(
        "  You have not seen all of \(name). \(name) all shows what there is; \(name) \(number) anyway answers it as it is.\n"
      )
    }
    let option = request.options[number - 1]
    ended(key: request.key, "is answered, by you")
    let chosen = VisibleText.show(option.name, keepsLines: false).beginning(bytes: ToolCallText.optionBytes)
    return .choose(key: request.key, optionID: option.id, say: "  \(name): \(chosen)\n")
  }

  private mutating func fill(_ index: Int, _ field: String, _ value: String) -> Action {
    let name = open[index].name
    guard case .form(var form) = open[index].subject else {
      return .say("  \(name) has no fields to fill in. Your line did nothing.\n")
    }
    if let problem = form.fill(field, value) { return .say("  \(name) \(problem). Your line did nothing.\n") }
    open[index].subject = .form(form)
    return .say(text(of: open[index]))
  }

  private mutating func show(_ index: Int, _ all: Bool) -> Action {
    guard all, case .question(let request, _) = open[index].subject else { return .say(text(of: open[index])) }
    // What never arrived here can't be shown: then the question stays cut.
    let isCut = ToolCallText(request.toolCall, options: request.options, rows: nil).isCut
    open[index].subject = .question(request, isCut: isCut)
    return .say(text(of: open[index], rows: nil))
  }

  // MARK: - Texts

  private var list: String {
    if open.isEmpty { return "  Nothing waits.\n" }
    let first = open.prefix(20).map { entry in
      let title =
        switch entry.subject {
        case .prompt(_, _, let author, let text):
          "\(author) proposes: \(ToolCallText.headline(text ?? "..."))"
        case .question(let request, _): "the agent asks: \(ToolCallText.headline(request.title))"
        case .form(let form): "the agent asks: \(ToolCallText.headline(form.message))"
        }
      return "  \(entry.name)  \(title)\n"
    }
    return first.joined() + (open.count > 20 ? "  and \(open.count - 20) more\n" : "")
  }

  private func text(of entry: Entry) -> String { text(of: entry, rows: limits.rows) }

  private func text(of entry: Entry, rows: Int?) -> String {
    let name = entry.name
    switch entry.subject {
    case .prompt(_, _, let author, let text):
      let lines = text.map { VisibleText.lines($0).joined(separator: "\n      | ") }
      return "[\(name)] \(author) proposes: \(lines ?? "(no longer kept here; see your own link)")\n"
        + "    a \(name) approves, r \(name) rejects\n"
    case .form(let form): return form.text("\(name)")
    case .question(let request, let isCut):
      let call = ToolCallText(request.toolCall, options: request.options, rows: rows)
      let hint = "    \(name) and the number of an answer gives it"
      let more = isCut ? "; you have not seen all: \(name) all shows more, anyway behind the number insists" : ""
      return "? [\(name)] The agent asks: \(ToolCallText.headline(request.title))\n\(call.text)\(hint)\(more)\n"
    }
  }

  // MARK: - Keeping

  private mutating func add(_ letter: Character, _ subject: Subject) -> Entry {
    let entry = Entry(name: Name(letter: letter, number: nextNumber), subject: subject)
    nextNumber += 1
    open.append(entry)
    if open.count > limits.open, let index = open.firstIndex(where: { $0.name.letter == "p" }) {
      end(at: index, "is no longer kept here; decide on it on your own link")
    }
    dropTexts()
    return entry
  }

  private mutating func dropTexts() {
    var left = limits.textBytes
    for index in open.indices.reversed() {
      guard case .prompt(let id, let hash, let author, let text?) = open[index].subject else { continue }
      left -= text.utf8.count
      if left < 0 { open[index].subject = .prompt(approvalID: id, hash: hash, author: author, text: nil) }
    }
  }

  private mutating func end(_ how: String, where matches: (Entry) -> Bool) -> Name? {
    guard let index = open.firstIndex(where: matches) else { return nil }
    return end(at: index, how)
  }

  @discardableResult
  private mutating func end(at index: Int, _ how: String) -> Name {
    let entry = open.remove(at: index)
    let key: Int? = if case .question(let request, _) = entry.subject { request.key } else { nil }
    ended.append(Ended(name: entry.name, key: key, how: how))
    if ended.count > limits.ended { ended.removeFirst() }
    return entry.name
  }
}
