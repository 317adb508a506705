import Basics
import JSONText

/// A question of the agent as a host fills it in at the terminal: a pure value.
///
/// It only turns what was typed into values of the fields' types; whether they fit is for the node to say, as for everybody.
struct QuestionForm: Sendable, Hashable {
  private struct Field: Sendable, Hashable {
    let name: String
    let title: String
    let type: String
    let isRequired: Bool
    let choices: [(value: String, title: String)]
    var value: JSONText?

    static func == (lhs: Field, rhs: Field) -> Bool { lhs.name == rhs.name && lhs.value == rhs.value }
    func hash(into hasher: inout Hasher) { hasher.combine(name) }
  }

  /// The approval that is decided on.
  let approvalID: String
  /// What is asked.
  let message: String
  /// The page that somebody is to open, and where it leads.
  private let page: (url: String, host: String)?
  private var fields: [Field]

  static func == (lhs: QuestionForm, rhs: QuestionForm) -> Bool {
    lhs.approvalID == rhs.approvalID && lhs.fields == rhs.fields
  }
  func hash(into hasher: inout Hasher) { hasher.combine(approvalID) }

  /// Reads an approval of kind `question`; nil when it is none.
  init?(_ approval: JSONText) {
    guard let id = approval["id"]?.string, let question = approval["question"] else { return nil }
    approvalID = id
    message = approval["prompt"]?.string ?? ""
    page = question["url"]?.string.map { ($0, question["host"]?.string ?? "") }
    let required = (question["schema"]?["required"]?.elements ?? []).compactMap(\.string)
    fields = (question["schema"]?["properties"]?.members ?? []).map { name, schema in
      let list = schema["oneOf"] ?? schema["enum"] ?? schema["items"]?["anyOf"] ?? schema["items"]?["enum"]
      let choices = (list?.elements ?? []).map { choice in
        let value = choice.string ?? choice["const"]?.string ?? ""
        return (value: value, title: choice["title"]?.string ?? value)
      }
      return Field(
        name: name, title: schema["title"]?.string ?? name, type: schema["type"]?.string ?? "",
        isRequired: required.contains(name), choices: choices, value: schema["default"])
    }
  }

  /// What is sent when the host approves; nil for a page.
  var answer: JSONText? {
    page == nil ? JSONText { object in for field in fields { object.add(field.name, field.value) } } : nil
  }

  /// Fills a field in, or empties it.
  ///
  /// - Parameters:
  ///   - name: the field's name, or its number counted from 1.
  ///   - text: what was typed; several choices are parted by commas.
  /// - Returns: what is wrong with it, as the end of a sentence; nil when it was taken.
  mutating func fill(_ name: String, _ text: String) -> String? {
    let index = fields.firstIndex { $0.name == name } ?? Int(name).map { $0 - 1 }
    guard let index, fields.indices.contains(index) else { return "has no field of that name or number" }
    guard !text.isEmpty else {
      fields[index].value = nil
      return nil
    }
    let field = fields[index]
    switch field.type {
    case "boolean":
      guard
        let flag = ["y": true, "yes": true, "true": true, "n": false, "no": false, "false": false][text.lowercased()]
      else { return "wants yes or no there" }
      fields[index].value = JSONText(bool: flag)
    case "number", "integer":
      guard let number = try? JSONText(validating: text), number.double != nil else { return "wants a number there" }
      fields[index].value = number
    case "array":
      let words = text.split(separator: ",").map { $0.drop { $0 == " " } }
      let chosen = words.map { choice(String($0), of: field) }
      guard !chosen.contains(nil) else { return "has other choices there" }
      fields[index].value = JSONText(array: chosen.compactMap(\.self).map { JSONText(string: $0) })
    default:
      guard !field.choices.isEmpty else {
        fields[index].value = JSONText(string: text)
        return nil
      }
      guard let chosen = choice(text, of: field) else { return "has other choices there" }
      fields[index].value = JSONText(string: chosen)
    }
    return nil
  }

  /// A choice by its value or its number counted from 1.
  private func choice(_ text: String, of field: Field) -> String? {
    if let exact = field.choices.first(where: { $0.value == text }) { return exact.value }
    guard let number = Int(text), field.choices.indices.contains(number - 1) else { return nil }
    return field.choices[number - 1].value
  }

  /// The question with its fields, and how it is answered by this name.
  func text(_ name: String) -> String {
    var text = "? [\(name)] The agent asks: \(VisibleText.lines(message).joined(separator: "\n      | "))\n"
    if let page {
      text += "    It wants somebody to open a page on \(Self.line(page.host)):\n      \(Self.line(page.url))\n"
      return text + "    a \(name) says that you agree to, r \(name) declines; nothing is opened by itself\n"
    }
    for (index, field) in fields.enumerated() {
      let value = field.value.map { "  = \(Self.line($0.string ?? $0.description))" } ?? ""
      text += "    \(index + 1) \(Self.line(field.title))\(field.isRequired ? " (needed)" : "")\(value)\n"
      for (number, choice) in field.choices.enumerated() {
        text += "        \(number + 1) \(Self.line(choice.title))\n"
      }
    }
    let how = fields.isEmpty ? "" : "\(name) 1=... fills field 1 in, "
    return text + "    \(how)a \(name) sends it, r \(name) declines\n"
  }

  private static func line(_ text: String) -> String {
    VisibleText.show(text, keepsLines: false).beginning(bytes: 500)
  }
}
