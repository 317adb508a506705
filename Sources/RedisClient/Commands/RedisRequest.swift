internal import NIOCore
internal import RedisWire

/// One thing to ask of Redis, not yet encoded. A value.
enum RedisRequest: Sendable {
  /// A plain command.
  case command(RedisCommand)
  /// A command for a key that is on its way to this server: ASKING goes before it.
  case asking(RedisCommand)
  /// A script by the name Redis knows it under.
  case script(ScriptCall)
  /// The same with its source, after Redis said that it does not know the name.
  case scriptSource(ScriptCall)

  /// What a script is called with. Sendable: immutable. A class, because it travels with the request and with its ticket, and one
  /// reference is cheaper to hand on than three strings and two arrays.
  final class ScriptCall: Sendable {
    let script: RedisScript
    let keys: [String]
    let arguments: [RedisArgument]
    /// Whether its keys are on their way to this server: ASKING goes before it.
    let asks: Bool

    init(script: RedisScript, keys: [String], arguments: [RedisArgument], asks: Bool = false) {
      self.script = script
      self.keys = keys
      self.arguments = arguments
      self.asks = asks
    }
  }

  /// Whether replicas must confirm it when durability asks for that.
  var waitsForReplicas: Bool {
    switch self {
    case .command, .asking: false
    case .script(let call), .scriptSource(let call): call.script.waitsForReplicas
    }
  }

  /// Whether ASKING goes before it.
  var asks: Bool {
    switch self {
    case .command: false
    case .asking: true
    case .script(let call), .scriptSource(let call): call.asks
    }
  }

  /// The same for a server that its keys are on their way to.
  var asAsking: RedisRequest {
    switch self {
    case .command(let command), .asking(let command): .asking(command)
    case .script(let call), .scriptSource(let call):
      .script(ScriptCall(script: call.script, keys: call.keys, arguments: call.arguments, asks: true))
    }
  }

  /// What to send instead when Redis does not know the script's name.
  var fallback: ScriptCall? {
    if case .script(let call) = self { call } else { nil }
  }

  /// An upper bound of the encoded size in bytes, cheap to compute.
  var sizeBound: Int {
    switch self {
    case .command(let command), .asking(let command):
      Self.overhead + command.name.utf8.count + Self.size(of: command.arguments)
    case .script(let call): Self.size(of: call) + call.script.sha1.utf8.count
    case .scriptSource(let call): Self.size(of: call) + call.script.source.utf8.count
    }
  }

  func encode(into buffer: inout ByteBuffer) {
    switch self {
    case .command(let command), .asking(let command): CommandEncoder.write(command, into: &buffer)
    case .script(let call): Self.encode(call, command: "EVALSHA", name: call.script.sha1, &buffer)
    case .scriptSource(let call): Self.encode(call, command: "EVAL", name: call.script.source, &buffer)
    }
  }

  private static func encode(_ call: ScriptCall, command: String, name: String, _ buffer: inout ByteBuffer) {
    CommandEncoder.writeHeader(count: 3 + call.keys.count + call.arguments.count, into: &buffer)
    CommandEncoder.write(command, into: &buffer)
    CommandEncoder.write(name, into: &buffer)
    CommandEncoder.write(call.keys.count, into: &buffer)
    for key in call.keys { CommandEncoder.write(key, into: &buffer) }
    for argument in call.arguments { CommandEncoder.write(argument, into: &buffer) }
  }

  /// Type byte, length and two line ends of one part, rounded up.
  private static let overhead = 26

  private static func size(of call: ScriptCall) -> Int {
    4 * overhead + call.keys.reduce(0) { $0 + $1.utf8.count + overhead } + size(of: call.arguments)
  }

  private static func size(of arguments: [RedisArgument]) -> Int {
    arguments.reduce(0) { total, argument in
      let bytes =
        switch argument {
        case .string(let text): text.utf8.count
        case .bytes(let buffer): buffer.readableBytes
        case .integer: 20
        }
      return total + overhead + bytes
    }
  }
}
