internal import RedisClient

/// What every script can be told without its call site saying it: who calls, whether the request is repeatable, how the node is
/// configured. A value.
struct ScriptFrame: Sendable {
  private let settings: SharedSessionSettings
  private let caller: ScriptRunner.Caller
  private let once: String

  init(_ settings: SharedSessionSettings, caller: ScriptRunner.Caller, once: String) {
    self.settings = settings
    self.caller = caller
    self.once = once
  }

  /// The arguments of a call in the script's order. A call that passes others than the script takes is a mistake in this
  /// program, and every call is made by a test.
  func arguments(of script: DomainScript, _ own: ScriptArguments) -> [RedisArgument] {
    var result: [RedisArgument] = []
    result.reserveCapacity(script.arguments.count + own.values.count)
    var rest = own.values[...]
    for name in script.arguments {
      if let frame = FrameArgument(rawValue: name) {
        result.append(value(of: frame))
      } else if script.isVariadic, name == script.own.last {
        while rest.first?.name == name { result.append(rest.removeFirst().value) }
      } else {
        precondition(rest.first?.name == name, "\(script.script.name) takes \(script.own), not \(own)")
        result.append(rest.removeFirst().value)
      }
    }
    precondition(rest.isEmpty, "\(script.script.name) takes \(script.own), not \(own)")
    return result
  }

  private func value(of argument: FrameArgument) -> RedisArgument {
    switch argument {
    case .caller:
      switch caller {
      case .participant(let credentials): .string(credentials.participantID)
      case .known(let id, _): .string(id)
      case .service, .anybody, .trusted: ""
      }
    case .token:
      switch caller {
      case .participant(let credentials): .string(Secrets.digest(credentials.token))
      case .known(_, let digest): .string(digest)
      case .service, .anybody, .trusted: ""
      }
    case .how:
      switch caller {
      case .participant, .known: "participant"
      case .anybody: "anybody"
      case .service, .trusted: "trusted"
      }
    case .once: .string(once)
    case .eventsKept: .integer(settings.eventsRetained)
    case .eventBytesKept: .integer(settings.eventBytesRetained)
    case .mostMessages: .integer(settings.maximumMessages)
    case .mostMessageBytes: .integer(settings.maximumMessageBytes)
    case .mostApprovals: .integer(settings.maximumApprovals)
    case .mostApprovalBytes: .integer(settings.approvalBytesRetained)
    case .dispatchTimeout: .milliseconds(settings.dispatchTimeout)
    case .hostLifetime: .milliseconds(settings.maximumLifetime + settings.retention)
    case .mostPlaces: .integer(SharedSessionSettings.placesKept)
    case .batchesKept: .integer(SharedSessionSettings.batchesKept)
    case .stepCount: .integer(SharedSessionSettings.endStepCount)
    case .stepBytes: .integer(SharedSessionSettings.endStepBytes)
    case .longest: .milliseconds(settings.maximumLifetime)
    case .retention: .milliseconds(settings.retention)
    }
  }
}
