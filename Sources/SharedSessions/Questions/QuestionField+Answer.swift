internal import JSONText

/// Whether a value fits a field.
extension QuestionField {
  /// The value as the agent gets it.
  ///
  /// - Throws: `Fault` with a sentence that names the field and says what it takes.
  func checked(_ value: JSONText) throws(QuestionSchema.Fault) -> JSONText { try Self.checked(value, as: kind, name) }

  static func checked(_ value: JSONText, as kind: Kind, _ name: String) throws(QuestionSchema.Fault) -> JSONText {
    typealias Fault = QuestionSchema.Fault
    switch kind {
    case .text(let length, let format):
      guard let text = value.string, !text.utf8.contains(0) else { throw Fault("'\(name)' must be a text.") }
      guard length.contains(text.unicodeScalars.count) else {
        throw Fault("'\(name)' must be \(words(length, "character")) long.")
      }
      if let format, !format.fits(text) { throw Fault("'\(name)' must be \(format.words).") }
      return JSONText(string: text)
    case .number(let range):
      guard let number = value.double, number.isFinite else { throw Fault("'\(name)' must be a number.") }
      guard range.contains(number) else { throw Fault("'\(name)' must be \(words(range)).") }
      return value.compacted()
    case .integer(let range):
      guard let number = value.integer ?? value.double.flatMap(Int64.init(exactly:)) else {
        throw Fault("'\(name)' must be a whole number.")
      }
      guard range.contains(Double(number)) else { throw Fault("'\(name)' must be \(words(range)).") }
      return JSONText(integer: number)
    case .flag:
      guard let flag = value.bool else { throw Fault("'\(name)' must be true or false.") }
      return JSONText(bool: flag)
    case .choice(let choices):
      guard let chosen = value.string, choices.contains(where: { $0.value == chosen }) else {
        throw Fault("'\(name)' must be one of \(words(choices)).")
      }
      return JSONText(string: chosen)
    case .choices(let choices, let count):
      guard value.kind == .array else { throw Fault("'\(name)' must be a list of choices.") }
      let elements = value.elements
      guard elements.count <= choices.count, count.contains(elements.count) else {
        throw Fault("'\(name)' must hold \(words(count, "choice")), each once.")
      }
      var chosen: [String] = []
      for element in elements {
        guard let text = element.string, choices.contains(where: { $0.value == text }), !chosen.contains(text) else {
          throw Fault("Every entry of '\(name)' must be one of \(words(choices)), each once.")
        }
        chosen.append(text)
      }
      return JSONText(array: chosen.map { JSONText(string: $0) })
    }
  }

  private static func words(_ range: ClosedRange<Int>, _ noun: String) -> String {
    if range.lowerBound == range.upperBound { return plural(range.lowerBound, noun) }
    if range.lowerBound == 0 { return "at most \(plural(range.upperBound, noun))" }
    if range.upperBound == .max { return "at least \(plural(range.lowerBound, noun))" }
    return "\(range.lowerBound) to \(plural(range.upperBound, noun))"
  }

  private static func plural(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

  private static func words(_ range: ClosedRange<Double>) -> String {
    let (low, high) = (range.lowerBound, range.upperBound)
    if low == -.greatestFiniteMagnitude { return "at most \(number(high).description)" }
    if high == .greatestFiniteMagnitude { return "at least \(number(low).description)" }
    return "\(number(low).description) to \(number(high).description)"
  }

  private static func words(_ choices: [Choice]) -> String {
    let first = choices.prefix(8).map { "'\($0.value)'" }.joined(separator: ", ")
    return choices.count > 8 ? "\(first) and \(choices.count - 8) more" : first
  }
}

extension QuestionField.Format {
  /// What a text of this format is called.
  var words: String {
    switch self {
    case .email: "an e-mail address"
    case .uri: "a URL with its scheme"
    case .date: "a date as 2006-01-31"
    case .dateTime: "a time as 2006-01-31T12:00:00Z"
    }
  }

  /// Whether a text has the form; that the address, the page or the day exists is not looked at.
  func fits(_ text: String) -> Bool {
    switch self {
    case .email:
      let parts = text.split(separator: "@", omittingEmptySubsequences: false)
      return parts.count == 2 && parts.allSatisfy { !$0.isEmpty } && !text.contains(where: \.isWhitespace)
    case .uri:
      let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, let first = parts[0].first, first.isASCII, first.isLetter, !parts[1].isEmpty else {
        return false
      }
      return parts[0].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
        && !text.contains(where: \.isWhitespace)
    case .date: return Self.isDate(text[...])
    case .dateTime:
      let parts = text.split(whereSeparator: { $0 == "T" || $0 == "t" })
      return parts.count == 2 && Self.isDate(parts[0]) && Self.isTime(parts[1])
    }
  }

  private static func isDate(_ text: Substring) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.map(\.utf8.count) == [4, 2, 2], let month = number(parts[1]), let day = number(parts[2]),
      let year = number(parts[0]), (1...12).contains(month)
    else { return false }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return (1...days[month - 1]).contains(day)
  }

  private static func isTime(_ text: Substring) -> Bool {
    let clock = text.prefix { $0 != "Z" && $0 != "z" && $0 != "+" && $0 != "-" }
    let zone = text.dropFirst(clock.count)
    let parts = clock.prefix { $0 != "." }.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3, parts.allSatisfy({ $0.utf8.count == 2 }), let hour = number(parts[0]),
      let minute = number(parts[1]), let second = number(parts[2]), hour < 24, minute < 60, second <= 60
    else { return false }
    let fraction = clock.drop { $0 != "." }
    guard fraction.isEmpty || fraction.count > 1 && number(fraction.dropFirst().prefix(9)) != nil else { return false }
    if zone == "Z" || zone == "z" { return true }
    let offset = zone.dropFirst().split(separator: ":", omittingEmptySubsequences: false)
    return offset.map(\.utf8.count) == [2, 2] && number(offset[0]).map { $0 < 24 } ?? false
      && number(offset[1]).map { $0 < 60 } ?? false
  }

  private static func number(_ text: Substring) -> Int? {
    text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
  }
}
