internal import RedisClient

/// What a call passes to a script, by the names the script takes, in its order. A value.
struct ScriptArguments: Sendable, ExpressibleByDictionaryLiteral {
  private(set) var values: [(name: String, value: RedisArgument)]

  init(dictionaryLiteral elements: (String, RedisArgument)...) {
    values = elements.map { (name: $0.0, value: $0.1) }
  }

  /// Adds any number of values under one name, for the last argument of a script that takes as many as there are.
  func adding(_ name: String, _ more: some Sequence<RedisArgument>) -> ScriptArguments {
    var result = self
    for value in more { result.values.append((name: name, value: value)) }
    return result
  }
}
