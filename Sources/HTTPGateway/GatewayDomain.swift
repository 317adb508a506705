public import EventStreaming
public import SharedSessions

/// A value: the parts of the domain that the routes call.
public struct GatewayDomain: Sendable {
  /// Shared sessions, their participants and messages.
  public var sessions: SessionStore
  /// Prompts and decisions.
  public var approvals: ApprovalStore
  /// Where agents attach.
  public var hostSessions: HostSessionStore
  /// Sessions' events.
  public var log: EventLog
  /// This node's open streams.
  public var streams: EventStreams

  /// Gathers the parts.
  public init(
    sessions: SessionStore, approvals: ApprovalStore, hostSessions: HostSessionStore, log: EventLog,
    streams: EventStreams
  ) {
    self.sessions = sessions
    self.approvals = approvals
    self.hostSessions = hostSessions
    self.log = log
    self.streams = streams
  }
}
