internal import RedisWire

/// What is said on a new connection before anything else, and whether the answers allow its use. A value.
struct RedisHandshake {
  enum Progress: Equatable {
    case more
    case done
    case failed(RedisError)
  }

  private enum Step {
    case authenticate, name, select, role, ping
  }

  private var steps: [Step] = []
  /// The commands, sent together in this order.
  private(set) var commands: [RedisCommand] = []
  /// How many replicas the server has; nil when it did not tell, or is one itself.
  private(set) var replicas: Int?
  private let database: Int
  private let acceptsReplica: Bool

  init(_ configuration: RedisClientConfiguration) {
    database = configuration.database
    acceptsReplica = configuration.acceptsReplica
    if let password = configuration.password {
      // With one argument Redis authenticates the default user, also where no ACL exists.
      let arguments = [configuration.username, password].compactMap { $0 }.map { RedisArgument.string($0) }
      add(.authenticate, RedisCommand("AUTH", arguments: arguments))
    }
    if let name = configuration.connectionName { add(.name, RedisCommand("CLIENT", "SETNAME", .string(name))) }
    if database != 0 { add(.select, RedisCommand("SELECT", .integer(database))) }
    // A replica takes connections and answers reads; a name that still leads to it after a failover must not be used.
    add(.role, RedisCommand("ROLE"))
    // PING is refused while Redis loads its data or wants a password: only a PONG makes a connection usable.
    add(.ping, RedisCommand("PING"))
    steps.reverse()
  }

  private mutating func add(_ step: Step, _ command: RedisCommand) {
    steps.append(step)
    commands.append(command)
  }

  /// Takes the next reply.
  mutating func receive(_ reply: RedisValue) -> Progress {
    guard let step = steps.popLast() else { return .failed(Self.outOfStep(reply)) }
    switch (step, reply) {
    case (.name, _): break  // Only for people who look at CLIENT LIST; an ACL may forbid it.
    case (.role, .error): break  // An ACL may forbid it, too; then the first refused write tells.
    case (.role, .array(let parts)):
      guard let role = parts.first?.string else { return .failed(Self.outOfStep(reply)) }
      guard role != "slave" || acceptsReplica else {
        return .failed(Self.refusal("Redis is not the primary", "it is a replica"))
      }
      replicas = Self.replicas(role: reply)
    case (.authenticate, .error(let message)):
      return .failed(Self.refusal("Redis refused the user or password", message))
    case (.select, .error(let message)): return .failed(Self.refusal("Redis refused database \(database)", message))
    case (.ping, .error(let message)): return .failed(Self.refusal("Redis is not ready", message))
    case (.authenticate, .status("OK")), (.select, .status("OK")), (.ping, .status("PONG")): break
    default: return .failed(Self.outOfStep(reply))
    }
    return steps.isEmpty ? .done : .more
  }

  /// How many replicas a reply to ROLE names; nil when it is not that of a primary.
  static func replicas(role reply: RedisValue) -> Int? {
    guard let parts = reply.array, parts.count == 3, parts[0].string == "master" else { return nil }
    return parts[2].array?.count
  }

  private static func refusal(_ what: String, _ message: String) -> RedisError {
    RedisError(code: .unavailable, message: "\(what): \(message)", mayHaveRun: false)
  }

  private static func outOfStep(_ reply: RedisValue) -> RedisError {
    RedisError(
      code: .protocolViolation,
      message: "What answers at the Redis address does not speak as Redis does: it sent \(reply.kindDescription).",
      mayHaveRun: false)
  }
}
