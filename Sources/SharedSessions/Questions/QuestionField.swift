public import JSONText

/// One field of an agent's question. A value.
public struct QuestionField: Sendable, Hashable {
  /// One of the values to choose from.
  public struct Choice: Sendable, Hashable {
    /// What the agent gets.
    public let value: String
    /// What people read; nil when that is the value itself.
    public let title: String?
  }

  /// What can be filled in.
  public enum Kind: Sendable, Hashable {
    /// A text of so many characters; `pattern` is the agent's own hint, in its own dialect, and only shown.
    case text(length: ClosedRange<Int>, format: Format?)
    /// A number.
    case number(ClosedRange<Double>)
    /// A whole number.
    case integer(ClosedRange<Double>)
    /// Yes or no.
    case flag
    /// One of these.
    case choice([Choice])
    /// So many of these, each once.
    case choices([Choice], count: ClosedRange<Int>)
  }

  /// What a text has to look like.
  public enum Format: String, Sendable, Hashable, CaseIterable {
    case email, uri, date
    case dateTime = "date-time"
  }

  /// The name, unique in its question.
  public let name: String
  /// What people read in place of the name.
  public let title: String?
  /// Whether an answer must have it.
  public let isRequired: Bool
  /// What can be filled in.
  public let kind: Kind
  /// The field's schema as it is kept and shown.
  public let text: JSONText

  init(_ name: String, _ schema: JSONText, isRequired: Bool) throws(QuestionSchema.Fault) {
    let most = QuestionSchema.mostNameCharacters
    guard (1...most).contains(name.unicodeScalars.count), !name.unicodeScalars.contains(where: Self.isControl) else {
      throw Fault("A field's name must be 1 to \(most) characters long, without control characters.")
    }
    let place = "schema.properties.\(name)"
    guard schema.kind == .object else { throw Fault("'\(place)' must be an object.") }
    self.name = name
    self.isRequired = isRequired
    let title = try QuestionSchema.text(schema["title"], "\(place).title", most: most)
    self.title = title
    let about = try QuestionSchema.text(
      schema["description"], "\(place).description", most: QuestionSchema.mostDescriptionCharacters)
    let kind = try Self.kind(schema, place)
    self.kind = kind
    let pattern = try QuestionSchema.text(schema["pattern"], "\(place).pattern", most: 1_024)
    let given = schema["default"].flatMap { try? Self.checked($0, as: kind, name) }
    text = JSONText { object in
      object.add("type", schema["type"]?.string)
      object.add("title", title)
      object.add("description", about)
      Self.write(kind, into: &object)
      if case .text = kind { object.add("pattern", pattern) }
      object.add("default", given)
    }
  }

  private typealias Fault = QuestionSchema.Fault

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.generalCategory == .control }

  // MARK: - Reading

  private static func kind(_ schema: JSONText, _ place: String) throws(QuestionSchema.Fault) -> Kind {
    switch schema["type"]?.string {
    case "string":
      if let choices = try choices(schema["oneOf"] ?? schema["enum"], place) { return .choice(choices) }
      let format = schema["format"]?.string.flatMap(Format.init(rawValue:))
      return .text(length: try counts(schema, "minLength", "maxLength", place), format: format)
    case "number": return .number(try values(schema, place))
    case "integer": return .integer(try values(schema, place))
    case "boolean": return .flag
    case "array":
      let items = schema["items"]
      guard let choices = try choices(items?["anyOf"] ?? items?["oneOf"] ?? items?["enum"], place) else {
        throw Fault("'\(place).items' must say with 'enum' or 'anyOf' what there is to choose from.")
      }
      return .choices(choices, count: try counts(schema, "minItems", "maxItems", place))
    case let type:
      let word = String((type ?? "none").prefix(64))
      throw Fault("'\(place).type' must be string, number, integer, boolean or array; it is '\(word)'.")
    }
  }

  private static func choices(_ list: JSONText?, _ place: String) throws(QuestionSchema.Fault) -> [Choice]? {
    guard let list, !list.isNull else { return nil }
    let (elements, most) = (list.elements, QuestionSchema.mostChoices)
    guard list.kind == .array, (1...most).contains(elements.count) else {
      throw Fault("'\(place)' must have a list of 1 to \(most) choices.")
    }
    var choices: [Choice] = []
    for element in elements {
      guard let value = element.string ?? element["const"]?.string else {
        throw Fault("'\(place)' has a choice that is no text.")
      }
      let title = try QuestionSchema.text(element["title"], "\(place) title", most: QuestionSchema.mostNameCharacters)
      guard value.unicodeScalars.count <= QuestionSchema.mostNameCharacters, !value.utf8.contains(0) else {
        throw Fault("'\(place)' has a choice of more than \(QuestionSchema.mostNameCharacters) characters.")
      }
      guard !choices.contains(where: { $0.value == value }) else { throw Fault("'\(place)' has a choice twice.") }
      choices.append(Choice(value: value, title: title))
    }
    return choices
  }

  /// A range of counts; without a bound it goes on to the end.
  private static func counts(
    _ schema: JSONText, _ low: String, _ high: String, _ place: String
  ) throws(QuestionSchema.Fault) -> ClosedRange<Int> {
    let bounds = [schema[low], schema[high]].map { $0.flatMap { $0.isNull ? nil : $0 } }
    for (name, bound) in zip([low, high], bounds) {
      guard let bound else { continue }
      guard let number = bound.integer, number >= 0 else { throw Fault("'\(place).\(name)' must be a whole number.") }
    }
    let first = Int(clamping: bounds[0]?.integer ?? 0)
    let last = Int(clamping: bounds[1]?.integer ?? Int64(Int.max))
    guard first <= last else { throw Fault("'\(place).\(low)' is more than '\(high)'.") }
    return first...last
  }

  private static func values(_ schema: JSONText, _ place: String) throws(QuestionSchema.Fault) -> ClosedRange<Double> {
    let largest = Double.greatestFiniteMagnitude
    let low = schema["minimum"]?.double ?? -largest
    let high = schema["maximum"]?.double ?? largest
    guard low <= high else { throw Fault("'\(place).minimum' is more than 'maximum'.") }
    return low...high
  }

  // MARK: - Writing

  private static func write(_ kind: Kind, into object: inout JSONObjectWriter) {
    switch kind {
    case .text(let length, let format):
      write(length, "minLength", "maxLength", into: &object)
      object.add("format", format?.rawValue)
    case .number(let values), .integer(let values):
      if values.lowerBound > -.greatestFiniteMagnitude { object.add("minimum", number(values.lowerBound)) }
      if values.upperBound < .greatestFiniteMagnitude { object.add("maximum", number(values.upperBound)) }
    case .flag: break
    case .choice(let choices):
      object.add(choices.contains { $0.title != nil } ? "oneOf" : "enum", list(choices))
    case .choices(let choices, let count):
      object.add("items") {
        if choices.contains(where: { $0.title != nil }) {
          $0.add("anyOf", list(choices))
        } else {
          $0.add("type", "string")
          $0.add("enum", list(choices))
        }
      }
      write(count, "minItems", "maxItems", into: &object)
    }
  }

  private static func write(
    _ range: ClosedRange<Int>, _ low: String, _ high: String, into object: inout JSONObjectWriter
  ) {
    if range.lowerBound > 0 { object.add(low, range.lowerBound) }
    if range.upperBound < .max { object.add(high, range.upperBound) }
  }

  private static func list(_ choices: [Choice]) -> JSONText {
    let areTitled = choices.contains { $0.title != nil }
    return JSONText(
      array: choices.map { choice in
        areTitled
          ? JSONText {
            $0.add("const", choice.value)
            $0.add("title", choice.title ?? choice.value)
          } : JSONText(string: choice.value)
      })
  }

  /// A number as JSON: without a fraction where it has none.
  static func number(_ value: Double) -> JSONText {
    if let whole = Int64(exactly: value) { return JSONText(integer: whole) }
    return (try? JSONText(validating: "\(value)")) ?? .null
  }
}
