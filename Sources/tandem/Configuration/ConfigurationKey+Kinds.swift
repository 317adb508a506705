/// A place in the configuration that a key writes to and reads its default from.
typealias ConfigurationPath<Value> = any WritableKeyPath<TandemConfiguration, Value> & Sendable

/// One way to make a row of the table per form of a value. Each joins the row to the one place where its value lives.
extension ConfigurationKey {
  /// A whole number.
  static func integer(
    _ name: String, _ path: ConfigurationPath<Int>, _ range: ClosedRange<Int>, _ doc: String
  ) -> Self {
    Self(name, .integer(range), number(path), doc)
  }

  /// A whole number; what holds without one is found out elsewhere.
  static func integer(
    _ name: String, _ path: ConfigurationPath<Int?>, _ range: ClosedRange<Int>, _ doc: String
  ) -> Self {
    let field = ConfigurationField(
      set: { value, configuration in
        if case .integer(let number) = value { configuration[keyPath: path] = number }
      }, get: { $0[keyPath: path].map { .integer($0) } })
    return Self(name, .integer(range), field, doc)
  }

  /// A number of bytes.
  static func bytes(
    _ name: String, _ path: ConfigurationPath<Int>, _ range: ClosedRange<Int>, _ doc: String
  ) -> Self {
    Self(name, .bytes(range), number(path), doc)
  }

  /// A number of bytes, or 0 for no bound.
  static func optionalBytes(
    _ name: String, _ path: ConfigurationPath<Int>, _ range: ClosedRange<Int>, _ doc: String
  ) -> Self {
    Self(name, .optionalBytes(range), number(path), doc)
  }

  /// A length of time.
  static func duration(
    _ name: String, _ path: ConfigurationPath<Duration>, _ range: ClosedRange<Duration>, _ doc: String
  ) -> Self {
    let field = ConfigurationField(
      set: { value, configuration in
        if case .duration(let duration) = value { configuration[keyPath: path] = duration }
      }, get: { .duration($0[keyPath: path]) })
    return Self(name, .duration(range), field, doc)
  }

  /// `true` or `false`.
  static func boolean(_ name: String, _ path: ConfigurationPath<Bool>, _ doc: String) -> Self {
    let field = ConfigurationField(
      set: { value, configuration in
        if case .boolean(let flag) = value { configuration[keyPath: path] = flag }
      }, get: { .boolean($0[keyPath: path]) })
    return Self(name, .boolean, field, doc)
  }

  /// One of the words of an enumeration.
  static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    _ name: String, _ path: ConfigurationPath<Choice>, _ doc: String
  ) -> Self {
    let field = ConfigurationField(
      set: { value, configuration in
        if case .text(let word) = value, let choice = Choice(rawValue: word) { configuration[keyPath: path] = choice }
      }, get: { .text($0[keyPath: path].rawValue) })
    return Self(name, .choice(Choice.allCases.map(\.rawValue)), field, doc)
  }

  /// One of the words of an enumeration; what holds without one depends on other keys.
  static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    _ name: String, _ path: ConfigurationPath<Choice?>, _ doc: String
  ) -> Self {
    let words = Choice.allCases.map(\.rawValue)
    let field = optional(path, parse: Choice.init(rawValue:), format: \.rawValue)
    return Self(name, .choice(words), field, doc)
  }

  /// Text; an empty default means that leaving the key out has a meaning of its own.
  static func text(_ name: String, _ path: ConfigurationPath<String>, _ rule: TextRule, _ doc: String) -> Self {
    let field = ConfigurationField(
      set: { value, configuration in
        if case .text(let text) = value { configuration[keyPath: path] = text }
      },
      get: { configuration in
        let text = configuration[keyPath: path]
        return text.isEmpty ? nil : .text(text)
      })
    return Self(name, .text(rule), field, doc)
  }

  /// Text that stands for a value; what holds without it is something else.
  static func text<Value: Sendable>(
    _ name: String, _ path: ConfigurationPath<Value?>, secret isSecret: Bool = false, _ rule: TextRule,
    parse: @escaping @Sendable (String) -> Value?, format: @escaping @Sendable (Value) -> String, _ doc: String
  ) -> Self {
    Self(name, .text(rule), optional(path, parse: parse, format: format), secret: isSecret, doc)
  }

  /// Text that may be left out.
  static func text(
    _ name: String, _ path: ConfigurationPath<String?>, secret isSecret: Bool = false, _ rule: TextRule, _ doc: String
  ) -> Self {
    text(name, path, secret: isSecret, rule, parse: { $0 }, format: { $0 }, doc)
  }

  /// Several texts that stand for values; the default is always the empty list.
  static func list<Value: Sendable>(
    _ name: String, _ path: ConfigurationPath<[Value]>, secret isSecret: Bool = false, _ rule: TextRule,
    parse: @escaping @Sendable (String) -> Value?, _ doc: String
  ) -> Self {
    let field = ConfigurationField(
      set: { value, configuration in
        if case .list(let entries) = value { configuration[keyPath: path] = entries.compactMap(parse) }
      }, get: { _ in .list([]) })
    return Self(name, .list(rule), field, secret: isSecret, doc)
  }

  /// Several texts.
  static func list(
    _ name: String, _ path: ConfigurationPath<[String]>, secret isSecret: Bool = false, _ rule: TextRule, _ doc: String
  ) -> Self {
    list(name, path, secret: isSecret, rule, parse: { $0 }, doc)
  }

  private static func number(_ path: ConfigurationPath<Int>) -> ConfigurationField {
    ConfigurationField(
      set: { value, configuration in
        if case .integer(let number) = value { configuration[keyPath: path] = number }
      }, get: { .integer($0[keyPath: path]) })
  }

  private static func optional<Value: Sendable>(
    _ path: ConfigurationPath<Value?>, parse: @escaping @Sendable (String) -> Value?,
    format: @escaping @Sendable (Value) -> String
  ) -> ConfigurationField {
    ConfigurationField(
      set: { value, configuration in
        if case .text(let text) = value { configuration[keyPath: path] = parse(text) }
      }, get: { $0[keyPath: path].map { .text(format($0)) } })
  }
}

/// How a key's value gets into the configuration, and how its default is found there.
///
/// Isolation: an immutable value of pure functions.
struct ConfigurationField: Sendable {
  /// Puts a checked value where it belongs.
  let set: @Sendable (ConfigurationValue, inout TandemConfiguration) -> Void
  /// Reads what is there; nil when nothing was set.
  let get: @Sendable (TandemConfiguration) -> ConfigurationValue?
}
