import Basics
import SharedSessions

/// The query of a request's target. An empty value counts as absent, as the contract has it; of a repeated parameter
/// the first one counts unless the route asks for all. A value.
struct QueryParameters: Sendable {
  private var values: [String: [String]] = [:]

  /// - Throws: 400 `INVALID_QUERY` for a broken escape or bytes that are not UTF-8.
  init(_ text: Substring?) throws(GatewayError) {
    guard let text else { return }
    for pair in text.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = try? PercentEncoding.decode(parts[0], plusIsSpace: true),
        let value = try? PercentEncoding.decode(parts.count > 1 ? parts[1] : "", plusIsSpace: true)
      else { throw GatewayError(.invalidQuery, "The query holds a broken percent escape or bytes that are not UTF-8.") }
      values[name, default: []].append(value)
    }
  }

  subscript(name: String) -> String? {
    guard let value = values[name]?.first, !value.isEmpty else { return nil }
    return value
  }

  /// All values of a parameter that may be repeated, in order.
  func all(_ name: String) -> [String] { (values[name] ?? []).filter { !$0.isEmpty } }

  /// `true` or `false`; absent is false.
  func flag(_ name: String) throws(GatewayError) -> Bool {
    switch self[name] {
    case nil, "false": return false
    case "true": return true
    default: throw GatewayError(.invalidQuery, "'\(name)' must be true or false.")
    }
  }

  /// A whole number within bounds, or nil when absent.
  func integer(_ name: String, in bounds: ClosedRange<Int>) throws(GatewayError) -> Int? {
    guard let text = self[name] else { return nil }
    guard let value = Int(text), bounds.contains(value) else {
      throw GatewayError(
        .invalidQuery, "'\(name)' must be a whole number from \(bounds.lowerBound) to \(bounds.upperBound).")
    }
    return value
  }
}
