/// Why a command, script or subscription gave no answer. A value.
///
/// The code says what to do, the message is one sentence for a person, and `mayHaveRun` answers the only question that
/// matters for a retry: could Redis have carried it out?
public struct RedisError: Error, Sendable, Hashable {
  /// What kind of failure it was. New codes may be added, so `switch` needs a default.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    enum Kind: String, Sendable {
      case connectionLost, timedOut, unavailable, server, protocolViolation, overloaded, notReplicated, replyTooLarge
    }

    let kind: Kind

    /// The connection ended while the command was under way.
    public static let connectionLost = Code(kind: .connectionLost)
    /// No reply came within the command timeout.
    public static let timedOut = Code(kind: .timedOut)
    /// There is no connection to Redis now, or the client is not running.
    public static let unavailable = Code(kind: .unavailable)
    /// Redis answered with an error; `serverErrorPrefix` holds its first word.
    public static let server = Code(kind: .server)
    /// Redis, or whatever answered in its place, sent something the protocol or the caller does not allow.
    public static let protocolViolation = Code(kind: .protocolViolation)
    /// Too much is under way already; nothing was sent.
    public static let overloaded = Code(kind: .overloaded)
    /// The primary has the write, but fewer replicas than asked for confirmed it in time.
    public static let notReplicated = Code(kind: .notReplicated)

    /// Redis answered with more than `maximumReplyBytes`; the answer was dropped.
    public static let replyTooLarge = Code(kind: .replyTooLarge)

    /// The code's name.
    public var description: String { kind.rawValue }
  }

  /// What kind of failure it was.
  public var code: Code
  /// What happened, as a sentence for a person; holds no secrets and no data.
  public var message: String
  /// Whether Redis may have carried out the command. False means it certainly did not, so it can simply be sent again.
  public var mayHaveRun: Bool

  /// An error from its parts.
  public init(code: Code, message: String, mayHaveRun: Bool) {
    self.code = code
    self.message = message
    self.mayHaveRun = mayHaveRun
  }

  /// The first word of an error reply of Redis (`OOM`, `NOSCRIPT`, `WRONGTYPE`), or nil when Redis did not answer with one.
  public var serverErrorPrefix: String? {
    guard code == .server else { return nil }
    return Self.prefix(ofServerError: message)
  }

  /// An error reply of Redis. A script may have written before it failed, so `mayHaveRun` is true for all
  /// but the replies that Redis gives before it runs anything.
  public static func server(_ message: String) -> RedisError {
    let refusedBeforeRunning = refusals.contains(prefix(ofServerError: message))
    return RedisError(code: .server, message: message, mayHaveRun: !refusedBeforeRunning)
  }

  /// Error replies that mean "not run at all". `OOM` and `READONLY` are not here: a script can meet them halfway.
  private static let refusals: Set<String> = [
    "NOSCRIPT", "NOAUTH", "NOPERM", "WRONGPASS", "LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "MOVED", "ASK",
    "TRYAGAIN", "CROSSSLOT", "NOREPLICAS",
  ]

  private static func prefix(ofServerError message: String) -> String {
    String(message.prefix { $0 != " " })
  }
}

extension RedisError: CustomStringConvertible {
  /// Code and message in one line.
  public var description: String { "\(code): \(message)" }
}
