internal import RedisClient

/// What every script can be told without its call site saying it: who calls, and which repeatable request it is. A value.
struct ScriptFrame: Sendable {
  private let caller: ScriptRunner.Caller
  /// '' for a request without an Idempotency-Key.
  private let once: String

  init(caller: ScriptRunner.Caller, once: String = "") {
    self.caller = caller
    self.once = once
  }

  /// Whether the request carries an Idempotency-Key.
  var isRepeatable: Bool { !once.isEmpty }

  /// The arguments of a call in the order of the script's form. A call that passes others than the script takes is a mistake in this
  /// program, and every call is made by a test.
  func arguments(of script: DomainScript, _ form: ScriptForm, _ own: ScriptArguments) -> [RedisArgument] {
    var result: [RedisArgument] = []
    result.reserveCapacity(form.arguments.count + own.values.count)
    var rest = own.values[...]
    for name in form.arguments {
      if let frame = FrameArgument(rawValue: name) {
        result.append(value(of: frame))
      } else if script.isVariadic, name == script.own.last {
        while rest.first?.name == name { result.append(rest.removeFirst().value) }
      } else {
        precondition(rest.first?.name == name, "\(script.name) takes \(script.own), not \(own)")
        result.append(rest.removeFirst().value)
      }
    }
    precondition(rest.isEmpty, "\(script.name) takes \(script.own), not \(own)")
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
    default: preconditionFailure("\(argument) stands in the script")
    }
  }
}
