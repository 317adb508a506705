import AgentBridge
import ArgumentParser

/// The modes of a shared session, as options.
enum SharingMode: String, ExpressibleByArgument, CaseIterable {
  case viewOnly = "view_only"
  case commentOnly = "comment_only"
  case promptWithApproval = "prompt_with_approval"
  case promptDirect = "prompt_direct"
}

/// What viewers of a shared session see, as options.
enum SharedUpdates: String, ExpressibleByArgument, CaseIterable {
  case all, reduced
}

/// What is done with files for the agent, as options.
enum FileAccess: String, ExpressibleByArgument, CaseIterable {
  case ask, allow

  var files: BridgeConfiguration.Files {
    switch self {
    case .ask: .ask
    case .allow: .allow
    }
  }
}

/// What the agent is told when it asks, as options.
enum PermissionAnswer: String, ExpressibleByArgument, CaseIterable {
  case ask, allow, reject

  var policy: BridgeConfiguration.Permissions {
    switch self {
    case .ask: .ask
    case .allow: .allow
    case .reject: .reject
    }
  }
}
