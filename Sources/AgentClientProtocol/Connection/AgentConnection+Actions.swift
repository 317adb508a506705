import JSONText
import NIOCore

extension AgentConnectionStateMachine {
  /// What the driver has to do, in this order.
  enum Action: Sendable {
    /// A request has ended.
    case resume(Waiter, Result<JSONText, AgentError>)
    /// A session is open; updates of it follow.
    case opened(AgentSession)
    /// Pass on an update of one of our sessions.
    case deliver(AgentNotification)
    /// Ask somebody, and call `answerPermission`.
    case askPermission(AgentPermissionRequest)
    /// Do something for the agent, and call `answerTool`.
    case useTool(AgentToolRequest)
    /// Nobody needs to answer this question or request any more.
    case withdrawPermission(key: Int)
    /// Something was ignored that may interest whoever debugs the agent.
    case note(Note)
  }

  /// What the log should know.
  enum Note: Hashable, Sendable {
    case lineIgnored(ByteBuffer)
    case lineTooLong
    case methodUnknown(String)
    case answerUnexpected
    case updateOfOtherSession(kind: String)
    case updatesDropped
    /// So many updates from the beginning of an earlier conversation were left out.
    case replayCut(Int)
  }
}
