internal import Basics
internal import JSONText
internal import Logging
internal import NIOCore
internal import Observability
internal import RedisClient

/// Runs scripts: gives them their keys and what every script of their kind is told, and turns failures of Redis into errors of
/// the domain. A value.
struct ScriptRunner: Sendable {
  let redis: RedisClient
  let keys: KeyLayout
  let settings: SharedSessionSettings
  let logger: Logger
  private let scripts = LoadedScripts()

  /// How often an operation over several slots is tried again when something came in between.
  static let tries = 8

  /// Who a script on a session is run for.
  enum Caller: Sendable {
    /// The service itself.
    case service
    /// Somebody with credentials, which the script checks.
    case participant(ParticipantCredentials)
    /// A participant somebody else vouches for, or who is being made with this token.
    case known(String, tokenDigest: String = "")
    /// Whoever asks, where access is open.
    case anybody
    /// The holder of an API key.
    case trusted

    init(_ reader: Reader) {
      switch reader {
      case .trusted: self = .trusted
      case .anybody(nil): self = .anybody
      case .anybody(let credentials?), .participant(let credentials): self = .participant(credentials)
      }
    }
  }

  /// Runs a script on one session.
  ///
  /// - Parameters:
  ///   - sessionID: the session; a text that cannot be an id is not found.
  ///   - once: the repeatable request, with the tokens its answer will hold.
  ///   - arguments: by the names the script takes, in its order.
  func session(
    _ script: DomainScript, _ sessionID: String, as caller: Caller = .service, once: Idempotency? = nil,
    sealing tokens: [String] = [], _ arguments: ScriptArguments = [:]
  ) async throws(SharedSessionError) -> ScriptOutcome {
    guard Secrets.isID(sessionID) else { throw SharedSessionError(.sessionNotFound) }
    let frame = ScriptFrame(caller: caller, once: try once?.argument(sealing: tokens, settings) ?? "")
    return try await run(script, frame, arguments) { keys.session(sessionID, SessionKey(rawValue: $0)!) }
  }

  /// Runs a script on one host session; a text that cannot be an id is not found.
  ///
  /// - Parameter token: the digest of the host token that must be right; nil when the node vouches.
  func host(
    _ script: DomainScript, _ hostSessionID: String, token: String? = nil, once: Idempotency? = nil,
    sealing tokens: [String] = [], _ arguments: ScriptArguments = [:]
  ) async throws(SharedSessionError) -> ScriptOutcome {
    guard FieldRules.isIdentifier(hostSessionID) else { throw SharedSessionError(.hostSessionNotFound) }
    let frame = ScriptFrame(
      caller: .known("", tokenDigest: token ?? ""), once: try once?.argument(sealing: tokens, settings) ?? "")
    return try await run(script, frame, arguments) { keys.host(hostSessionID, HostKey(rawValue: $0)!) }
  }

  /// Runs a script on a single key.
  func single(
    _ script: DomainScript, _ key: String, _ arguments: ScriptArguments
  ) async throws(SharedSessionError) -> ScriptOutcome {
    try await run(script, ScriptFrame(caller: .service), arguments) { _ in key }
  }

  private func run(
    _ script: DomainScript, _ frame: ScriptFrame, _ own: ScriptArguments, key: (String) -> String
  ) async throws(SharedSessionError) -> ScriptOutcome {
    let form = script.form(isRepeatable: frame.isRepeatable)
    let arguments = frame.arguments(of: script, form, own)
    let loaded = scripts.script(script, isRepeatable: frame.isRepeatable, settings)
    do {
      return try ScriptOutcome(try await redis.evaluate(loaded, keys: form.keys.map(key), arguments: arguments))
    } catch let error as RedisError {
      throw failure(error, of: script.name)
    } catch let error as SharedSessionError { throw error } catch { throw SharedSessionError(.internalError) }
  }

  /// The time of Redis, in milliseconds.
  func now() async throws(SharedSessionError) -> Int {
    let time: RedisValue
    do { time = try await redis.send(RedisCommand("TIME"), key: nil) } catch { throw failure(error, of: "TIME") }
    guard let parts = time.array, parts.count == 2, let seconds = parts[0].integer, let rest = parts[1].integer else {
      throw SharedSessionError(.internalError)
    }
    return seconds * 1_000 + rest / 1_000
  }

  /// Sends one command.
  @discardableResult
  func send(_ name: String, key: String, _ arguments: RedisArgument...) async throws(SharedSessionError) -> RedisValue {
    do {
      return try await redis.send(RedisCommand(name, arguments: [.string(key)] + arguments), key: key)
    } catch { throw failure(error, of: name) }
  }

  /// What a failure of Redis means to a caller: nothing was changed, or nobody knows.
  private func failure(_ error: RedisError, of operation: String) -> SharedSessionError {
    switch error.serverErrorPrefix {
    // A full or read-only Redis refuses a script at its first write, so it never leaves half of one.
    case "OOM", "READONLY", "MISCONF", "NOREPLICAS", "LOADING", "BUSY", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN":
      logger.warning(
        "redis refuses writes",
        metadata: [LogKey.redisOperation: .string(operation), LogKey.error: .string(error.message)])
      return SharedSessionError(.unavailable, retryAfter: 2)
    // Said before anything runs, and over when whoever runs Redis gives the user its rights back.
    case "NOAUTH", "NOPERM", "WRONGPASS":
      logger.error(
        "redis refuses the user of this node",
        metadata: [LogKey.redisOperation: .string(operation), LogKey.error: .string(error.message)])
      return SharedSessionError(.unavailable, retryAfter: 2)
    case .some:
      logger.error(
        "redis rejected an operation",
        metadata: [LogKey.redisOperation: .string(operation), LogKey.error: .string(error.message)])
      return SharedSessionError(.internalError)
    case nil:
      logger.debug(
        "redis did not answer",
        metadata: [LogKey.redisOperation: .string(operation), LogKey.error: .string(error.message)])
      if error.code == .notReplicated {
        return SharedSessionError(
          .outcomeUnknown,
          "The primary has it, but too few replicas have confirmed it in time; retry with the same Idempotency-Key.",
          retryAfter: 1)
      }
      return SharedSessionError(error.mayHaveRun ? .outcomeUnknown : .unavailable, retryAfter: 1)
    }
  }
}

extension RedisArgument {
  /// A text as a JSON string; nil is ''.
  static func quoted(_ text: String?) -> RedisArgument {
    text.map { .bytes(JSONText(string: $0).bytes) } ?? ""
  }

  /// A time in milliseconds; nil is ''.
  static func milliseconds(_ time: Duration?) -> RedisArgument {
    time.map { .integer(Int($0.wholeMilliseconds)) } ?? ""
  }

  /// `true` or `false`.
  static func flag(_ value: Bool) -> RedisArgument { value ? "true" : "false" }
}
