/// Thrown when a condition did not come true in time. A value.
public struct DeadlineExceeded: Error, CustomStringConvertible {
  /// What was waited for.
  public let description: String
}

/// Waits until `condition` returns a value, asking again every few milliseconds; fails when the deadline passes first.
///
/// The deadline is only there to end a test that would hang: it is generous, and no test measures time by it.
///
/// - Parameters:
///   - what: what is waited for, for the failure.
///   - deadline: how long to wait at most.
///   - condition: returns nil as long as it is not yet so; may throw to fail at once.
@discardableResult
public func eventually<Value>(
  _ what: String, within deadline: Duration = .seconds(60), _ condition: () async throws -> Value?
) async throws -> Value {
  let clock = ContinuousClock()
  let end = clock.now.advanced(by: deadline)
  while true {
    if let value = try await condition() { return value }
    guard clock.now < end else { throw DeadlineExceeded(description: "Not within \(deadline): \(what)") }
    try await clock.sleep(for: .milliseconds(5))
  }
}

/// Waits until `condition` is true; like the form that returns a value.
public func eventually(
  _ what: String, within deadline: Duration = .seconds(60), _ condition: () async throws -> Bool
) async throws {
  try await eventually(what, within: deadline) { () -> Void? in try await condition() ? () : nil }
}

/// Runs `body` and fails when it has not returned within the deadline; `body` is cancelled then.
///
/// - Parameters:
///   - what: what is waited for, for the failure.
///   - deadline: how long to wait at most.
///   - body: the work; must end when it is cancelled.
public func withDeadline<Value: Sendable>(
  _ what: String, _ deadline: Duration = .seconds(60), _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  try await withThrowingTaskGroup(of: Value.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await Task.sleep(for: deadline)
      throw DeadlineExceeded(description: "Not within \(deadline): \(what)")
    }
    defer { group.cancelAll() }
    guard let value = try await group.next() else { throw CancellationError() }
    return value
  }
}
