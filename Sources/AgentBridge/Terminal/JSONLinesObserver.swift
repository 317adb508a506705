public import AgentClientProtocol
public import JSONText

/// `tandem host --json`: one JSON object a line and nothing else; an immutable value.
public struct JSONLinesObserver: HostObserver {
  private let write: @Sendable (JSONText) -> Void

  /// - Parameter write: takes the lines, each without an end and without one inside.
  public init(write: @escaping @Sendable (JSONText) -> Void) {
    self.write = write
  }

  /// Writes the first line.
  public func sharing(_ session: SharedSession, _ control: HostControl) async {
    write(session.firstLine)
  }

  /// Writes the event.
  public func event(_ event: JSONText) async {
    write(event.compacted())
  }

  /// Nobody reads: nobody can be asked.
  public func asksPermission(_ request: AgentPermissionRequest) async -> AgentPermissionOutcome? { nil }
}
