/// A label of a series.
///
/// Isolation: an immutable value.
struct PrometheusLabel: Hashable, Sendable {
  let name: String
  let value: String

  /// Labels with legal names, in ascending order; of several with one name the first is kept.
  static func sanitized(_ dimensions: [(String, String)]) -> [PrometheusLabel] {
    var seen: Set<String> = []
    return dimensions.map { PrometheusLabel(name: PrometheusName.label($0.0), value: $0.1) }
      .filter { seen.insert($0.name).inserted }
      .sorted { $0.name < $1.name }
  }
}

/// Names as Prometheus allows them.
///
/// Isolation: pure functions.
enum PrometheusName {
  /// `tandem.http.requests` as a counter is `tandem_http_requests_total`; as a histogram of times it ends in `_seconds`
  /// when its name says duration.
  static func metric(_ label: String, kind: PrometheusKind) -> String {
    var name = legal(label, extra: ":")
    if kind == .histogram, name.hasSuffix("duration") { name += "_seconds" }
    if kind == .counter, !name.hasSuffix("_total") { name += "_total" }
    return name
  }

  /// A label's name; `le` and names with two leading underscores are Prometheus's own.
  static func label(_ name: String) -> String {
    let name = legal(name, extra: "")
    return name == "le" || name.hasPrefix("__") ? "label_" + name : name
  }

  private static func legal(_ text: String, extra: String) -> String {
    let mapped = text.map { character in
      character.isASCII && (character.isLetter || character.isNumber || character == "_" || extra.contains(character))
        ? character : "_"
    }
    guard let first = mapped.first else { return "_" }
    return String(first.isNumber ? ["_"] + mapped : mapped)
  }
}

/// Builds the text format, version 0.0.4.
///
/// Isolation: a value owned by one scrape.
struct PrometheusText {
  private(set) var text = ""

  mutating func begin(_ name: String, _ family: PrometheusRegistry.Family) {
    let help = family.help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(family.kind.rawValue)\n"
  }

  mutating func add(_ name: String, _ labels: [PrometheusLabel], _ value: PrometheusSeries.Snapshot) {
    switch value {
    case .counter(let count): line(name, labels, "\(count)")
    case .gauge(let number): line(name, labels, Self.number(number))
    case .histogram(let bounds, let counts, let sum):
      var total: UInt64 = 0
      for (index, count) in counts.enumerated() {
        total += count
        let bound = index < bounds.count ? Self.number(bounds[index]) : "+Inf"
        line(name + "_bucket", labels + [PrometheusLabel(name: "le", value: bound)], "\(total)")
      }
      line(name + "_sum", labels, Self.number(sum))
      line(name + "_count", labels, "\(total)")
    }
  }

  /// What the registry had to leave out.
  mutating func addDropped(_ count: Int) {
    let label = "tandem.metrics.dropped"
    let name = PrometheusName.metric(label, kind: .counter)
    let help = MetricCatalog.description(of: label)?.help ?? label
    text += "# HELP \(name) \(help)\n# TYPE \(name) counter\n\(name) \(count)\n"
  }

  private mutating func line(_ name: String, _ labels: [PrometheusLabel], _ value: String) {
    text += name
    if !labels.isEmpty {
      text += "{" + labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",") + "}"
    }
    text += " " + value + "\n"
  }

  private static func escaped(_ value: String) -> String {
    value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }

  private static func number(_ number: Double) -> String {
    if number.isNaN { return "NaN" }
    if number.isInfinite { return number < 0 ? "-Inf" : "+Inf" }
    return number == number.rounded() && abs(number) < 1e15 ? "\(Int64(number))" : "\(number)"
  }
}
