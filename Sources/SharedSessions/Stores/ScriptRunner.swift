internal import Logging
internal import NIOCore
internal import RedisClient

/// Runs scripts with the frame they all share, and turns failures of Redis into errors of the domain. A value.
struct ScriptRunner: Sendable {
  let redis: RedisClient
  let keys: KeyLayout
  let settings: SharedSessionSettings
  let logger: Logger

  /// How often a script that found its ids outdated is tried again with fresh ones.
  static let tries = 8

  /// Runs a script on one session.
  ///
  /// - Parameters:
  ///   - script: one of `ScriptLibrary` with the session frame.
  ///   - sessionID: the session; a text that cannot be an id is not found.
  ///   - participantID: whose hash is KEYS[3].
  ///   - tokenDigest: the digest that must be one of theirs, or the new one; '' none.
  ///   - idempotency: the repeatable request, with the tokens its answer will hold.
  ///   - keys: KEYS[5] and on.
  ///   - arguments: ARGV[7] and on.
  func session(
    _ script: RedisScript, _ sessionID: String, participantID: String = "", tokenDigest: String = "",
    idempotency: Idempotency? = nil, sealing tokens: [String] = [], keys more: [String] = [],
    arguments: [RedisArgument] = []
  ) async throws(SharedSessionError) -> ScriptOutcome {
    guard Secrets.isID(sessionID) else { throw SharedSessionError(.sessionNotFound) }
    // An id that is none gets a key that cannot exist; the script then says what is not found.
    let caller = Secrets.isID(participantID) ? participantID : "-"
    let sealed = tokens.isEmpty ? "" : try idempotency?.seal(tokens) ?? ""
    return try await run(
      script,
      keys: [
        keys.session(sessionID), keys.events(sessionID), keys.participant(sessionID, caller),
        keys.idempotency(sessionID, idempotency?.name ?? "-"),
      ] + more + (idempotency == nil ? [] : [keys.idempotencyKeys(sessionID)]),
      arguments: [
        .string(participantID), .string(tokenDigest),
        .string("\(settings.eventsRetained) \(settings.eventBytesRetained)"),
        .string(idempotency?.requestDigest ?? ""), .string(sealed),
        .integer(Int(settings.idempotencyLifetime.milliseconds)),
      ] + arguments)
  }

  /// Runs a script on one session for a caller with credentials.
  func session(
    _ script: RedisScript, _ sessionID: String, by credentials: ParticipantCredentials,
    idempotency: Idempotency? = nil, sealing tokens: [String] = [], keys more: [String] = [],
    arguments: [RedisArgument] = []
  ) async throws(SharedSessionError) -> ScriptOutcome {
    try await session(
      script, sessionID, participantID: credentials.participantID, tokenDigest: Secrets.digest(credentials.token),
      idempotency: idempotency, sealing: tokens, keys: more, arguments: arguments)
  }

  /// Runs a reading script on one session.
  func session(
    _ script: RedisScript, _ sessionID: String, for reader: Reader, keys more: [String] = [],
    arguments: [RedisArgument] = []
  ) async throws(SharedSessionError) -> ScriptOutcome {
    switch reader {
    case .trusted, .anybody: try await session(script, sessionID, keys: more, arguments: arguments)
    case .participant(let credentials):
      try await session(script, sessionID, by: credentials, keys: more, arguments: arguments)
    }
  }

  /// Runs a reading script whose answer depends on who reads: a session script that includes `reader`, which is told
  /// in ARGV[7] how to take the caller.
  func session(
    _ script: RedisScript, _ sessionID: String, seenBy reader: Reader, keys more: [String] = [],
    arguments: [RedisArgument] = []
  ) async throws(SharedSessionError) -> ScriptOutcome {
    switch reader {
    case .trusted: try await session(script, sessionID, keys: more, arguments: ["trusted"] + arguments)
    case .anybody(nil): try await session(script, sessionID, keys: more, arguments: ["anybody"] + arguments)
    case .anybody(let credentials?):
      try await session(script, sessionID, by: credentials, keys: more, arguments: ["anybody"] + arguments)
    case .participant(let credentials):
      try await session(script, sessionID, by: credentials, keys: more, arguments: ["participant"] + arguments)
    }
  }

  /// Runs a script on one host session; a text that cannot be an id is not found.
  func host(
    _ script: RedisScript, _ hostSessionID: String, tokenDigest: String = "", keys more: [String] = [],
    arguments: [RedisArgument] = []
  ) async throws(SharedSessionError) -> ScriptOutcome {
    guard FieldRules.isIdentifier(hostSessionID) else { throw SharedSessionError(.hostSessionNotFound) }
    let lifetime = settings.maximumLifetime + settings.retention
    return try await run(
      script, keys: [keys.host(hostSessionID), keys.hostSessions(hostSessionID)] + more,
      arguments: [.string(hostSessionID), .string(tokenDigest), .integer(Int(lifetime.milliseconds))] + arguments)
  }

  /// Runs a script without a frame.
  func run(
    _ script: RedisScript, keys: [String], arguments: [RedisArgument]
  ) async throws(SharedSessionError) -> ScriptOutcome {
    try ScriptOutcome(try await evaluate(script, keys: keys, arguments: arguments))
  }

  /// Runs a script and gives its raw reply.
  func evaluate(
    _ script: RedisScript, keys: [String], arguments: [RedisArgument]
  ) async throws(SharedSessionError) -> RedisValue {
    do {
      return try await redis.evaluate(script, keys: keys, arguments: arguments)
    } catch { throw failure(error, of: script.name) }
  }

  /// Sends one command.
  @discardableResult
  func send(_ name: String, key: String, _ arguments: RedisArgument...) async throws(SharedSessionError) -> RedisValue {
    do {
      return try await redis.send(RedisCommand(name, arguments: [.string(key)] + arguments), key: key)
    } catch { throw failure(error, of: name) }
  }

  /// Puts an entry into an index. An index nobody adds to for longer than a session can last holds nothing that lives.
  ///
  /// - Parameter unlessThere: leaves the score of an entry that is there.
  /// - Returns: whether the entry is new.
  @discardableResult
  func note(
    _ member: String, at score: Int, in index: String, unlessThere: Bool = false
  ) async throws(SharedSessionError) -> Bool {
    let added =
      unlessThere
      ? try await send("ZADD", key: index, "NX", .integer(score), .string(member))
      : try await send("ZADD", key: index, .integer(score), .string(member))
    try await keepIndex(index)
    return added.integer == 1
  }

  /// Gives an index the longest time anything in it can last.
  func keepIndex(_ index: String) async throws(SharedSessionError) {
    let longest = settings.maximumLifetime + settings.retention + .seconds(86_400)
    try await send("PEXPIRE", key: index, .integer(Int(longest.milliseconds)))
  }

  /// What a failure of Redis means to a caller: nothing was changed, or nobody knows.
  private func failure(_ error: RedisError, of operation: String) -> SharedSessionError {
    switch error.serverErrorPrefix {
    // A full or read-only Redis refuses a script at its first write, so it never leaves half of one.
    case "OOM", "READONLY", "MISCONF", "NOREPLICAS", "LOADING", "BUSY", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN":
      logger.warning(
        "Redis refuses writes",
        metadata: ["redis.operation": .string(operation), "error": .string(error.message)])
      return SharedSessionError(.unavailable, retryAfter: 2)
    case .some:
      logger.error(
        "Redis rejected an operation",
        metadata: ["redis.operation": .string(operation), "error": .string(error.message)])
      return SharedSessionError(.internalError)
    case nil:
      logger.debug(
        "Redis did not answer", metadata: ["redis.operation": .string(operation), "error": .string(error.message)])
      return SharedSessionError(error.mayHaveRun ? .outcomeUnknown : .unavailable, retryAfter: 1)
    }
  }
}
