public import JSONText

/// What an agent wants to know: the fields of a form (ACP `elicitation/create`, mode `form`). A value.
///
/// The agent describes them with a piece of JSON Schema: one flat object of texts, numbers, truth values, choices and lists of
/// choices. Whatever else a schema may say is refused, so that people are asked exactly what their answer is checked for.
public struct QuestionSchema: Sendable, Hashable {
  /// Most fields of one question.
  public static let mostFields = 32
  /// Most choices of one field.
  public static let mostChoices = 128
  /// Most characters of a field's name, of a title and of a choice.
  public static let mostNameCharacters = 256
  /// Most characters of a description.
  public static let mostDescriptionCharacters = 2_000

  /// Why something cannot be a schema, or an answer to one: a sentence for a person.
  public struct Fault: Error, Sendable, Hashable {
    /// The sentence.
    public let message: String

    init(_ message: String) { self.message = message }
  }

  /// The fields in the agent's order.
  public let fields: [QuestionField]
  /// The schema as it is kept and shown: what was understood, and nothing else.
  public let text: JSONText

  /// Reads a schema.
  ///
  /// - Throws: `Fault` naming the field that is not one of those.
  public init(_ schema: JSONText) throws(Fault) {
    guard schema.kind == .object else { throw Fault("'schema' must be an object.") }
    if let type = schema["type"], type.string != "object" { throw Fault("'schema.type' must be 'object'.") }
    let properties = schema["properties"]
    if let properties, properties.kind != .object { throw Fault("'schema.properties' must be an object.") }
    let members = properties?.members ?? []
    guard members.count <= Self.mostFields else {
      throw Fault("'schema.properties' holds \(members.count) fields; at most \(Self.mostFields) are taken.")
    }
    let required = try Self.required(schema["required"])
    var fields: [QuestionField] = []
    for (name, value) in members {
      guard !fields.contains(where: { $0.name == name }) else { throw Fault("'schema' names '\(name)' twice.") }
      fields.append(try QuestionField(name, value, isRequired: required.contains(name)))
    }
    for name in required where !fields.contains(where: { $0.name == name }) {
      throw Fault("'schema.required' names '\(name.prefix(Self.mostNameCharacters))', which is no field.")
    }
    self.fields = fields
    let title = try Self.text(schema["title"], "schema.title", most: Self.mostNameCharacters)
    let about = try Self.text(schema["description"], "schema.description", most: Self.mostDescriptionCharacters)
    text = JSONText { object in
      object.add("type", "object")
      object.add("title", title)
      object.add("description", about)
      object.add("properties") { for field in fields { $0.add(field.name, field.text) } }
      let names = fields.filter(\.isRequired).map { JSONText(string: $0.name) }
      if !names.isEmpty { object.add("required", JSONText(array: names)) }
    }
  }

  /// The answer as the agent gets it: the fields in the schema's order.
  ///
  /// - Throws: `Fault` with a sentence that names the first field that does not fit.
  public func checked(_ answer: JSONText) throws(Fault) -> JSONText {
    guard answer.kind == .object else { throw Fault("'answer' must be an object with the question's fields.") }
    var values: [String: JSONText] = [:]
    for (name, value) in answer.members {
      guard let field = fields.first(where: { $0.name == name }) else {
        throw Fault("The question has no field '\(String(name.prefix(Self.mostNameCharacters)))'.")
      }
      guard values[name] == nil else { throw Fault("'\(name)' is there twice.") }
      // A client that writes out its empty fields means that they have no answer.
      if !value.isNull { values[name] = try field.checked(value) }
    }
    for field in fields where field.isRequired && values[field.name] == nil {
      throw Fault("'\(field.name)' is missing; the question needs it.")
    }
    let checked = values
    return JSONText { for field in fields { $0.add(field.name, checked[field.name]) } }
  }

  private static func required(_ value: JSONText?) throws(Fault) -> [String] {
    guard let value, !value.isNull else { return [] }
    guard value.kind == .array else { throw Fault("'schema.required' must be a list of names.") }
    let elements = value.elements
    guard elements.count <= mostFields else { throw Fault("'schema.required' has too many names.") }
    let names = elements.compactMap(\.string)
    guard names.count == elements.count else { throw Fault("'schema.required' must be a list of names.") }
    return names
  }

  /// A text for people that may be absent; one of another type counts as absent, as agents' own libraries have it.
  static func text(_ value: JSONText?, _ name: String, most: Int) throws(Fault) -> String? {
    guard let text = value?.string else { return nil }
    guard text.unicodeScalars.count <= most else {
      throw Fault("'\(name)' must be at most \(most) characters long.")
    }
    return text.replacing("\0", with: "\u{FFFD}")
  }
}
