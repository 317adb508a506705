internal import RedisClient

/// A script of the domain, put together at start, and what a call of it must pass. A value.
///
/// What is put into it is its own body and the pieces it uses from the files it includes, no others. The names in its head
/// become Lua variables, so no body counts positions. It has two forms when its requests can be repeated: one that looks for the
/// first answer and keeps one, and a shorter one for requests without a key.
struct DomainScript: Sendable {
  let name: String
  /// The form for requests without an Idempotency-Key, and for all where there is no other.
  let plain: ScriptForm
  /// The form for requests with an Idempotency-Key.
  let repeatable: ScriptForm?
  /// Those of the arguments that the call passes by name; the runner knows the others (`FrameArgument`).
  let own: [String]
  /// Whether the last one takes any number of values.
  let isVariadic: Bool
  /// What is wrong with the file, found when it was put together; empty for every script that works.
  let faults: [String]
  private let shebang: String
  private let waitsForReplicas: Bool

  /// Puts a script together.
  ///
  /// - Parameters:
  ///   - file: its file.
  ///   - takes: the names its call sites pass, in order.
  ///   - files: the `include_*.lua` files by name.
  init(_ name: String, _ file: [UInt8], takes: [String], including files: [String: [ScriptPiece]]) {
    let source = ScriptSource(file)
    var faults: [String] = []
    if !source.shebang.hasPrefix("#!lua") { faults.append("does not begin with #!lua") }
    let available = source.includes.flatMap { files[$0] ?? [] }
    for include in source.includes where files[include] == nil { faults.append("includes unknown '\(include)'") }
    let whole = ScriptForm(source, available, forRepeats: true)
    let repeats = whole.arguments.contains(FrameArgument.once.rawValue)
    plain = repeats ? ScriptForm(source, available, forRepeats: false) : whole
    repeatable = repeats ? whole : nil
    faults += whole.faults

    let named = source.arguments.map { $0.hasSuffix("...") ? String($0.dropLast(3)) : $0 }
    isVariadic = source.arguments.last?.hasSuffix("...") ?? false
    let isKnown = { (name: String) in FrameArgument(rawValue: name) != nil }
    let all = whole.arguments + whole.settings.map(\.rawValue)
    for argument in all where !named.contains(argument) && !isKnown(argument) {
      faults.append("a piece it uses needs the argument '\(argument)', which no frame has")
    }
    own = named.filter { !isKnown($0) }
    if own != takes { faults.append("takes \(own), its call passes \(takes)") }

    let names = Set(SessionKey.allCases.map(\.rawValue) + HostKey.allCases.map(\.rawValue) + ["key"])
    let touchesAll = source.body.contains("keep_all()") || source.body.contains("keep_host()")
    for name in whole.uses.intersection(names) where !source.keys.contains(name) {
      // The same word can be a key of the one kind and a variable in a script on the other.
      if Self.isKey(name, of: source.keys) { faults.append("touches '\(name)' without naming it in its keys") }
    }
    for name in whole.uses where isKnown(name) && !all.contains(name) {
      faults.append("uses '\(name)' without naming it in its arguments")
    }
    for name in source.keys where !whole.uses.contains(name) && !touchesAll {
      faults.append("names the key '\(name)' for nothing")
    }
    for name in named where !whole.uses.contains(name) { faults.append("names the argument '\(name)' for nothing") }
    self.name = name
    self.faults = faults.map { "\(name).lua \($0)" }
    shebang = source.shebang
    waitsForReplicas = source.waitsForReplicas
  }

  /// The form for a request, with or without an Idempotency-Key.
  func form(isRepeatable: Bool) -> ScriptForm { isRepeatable ? repeatable ?? plain : plain }

  /// A form as a node with these settings runs it.
  func script(_ form: ScriptForm, _ settings: SharedSessionSettings) -> RedisScript {
    RedisScript(
      name: name,
      source: form.source(shebang: shebang, isVariadic: isVariadic) { $0.value(in: settings) },
      isReadOnly: shebang.contains("no-writes"), waitsForReplicas: waitsForReplicas)
  }

  /// Whether a name is a key where a script works on keys like these.
  private static func isKey(_ name: String, of keys: [String]) -> Bool {
    if keys.contains("session") { return SessionKey(rawValue: name) != nil }
    if keys.contains("host") { return HostKey(rawValue: name) != nil }
    return name == "key"
  }
}
