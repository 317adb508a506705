/// The keys of log metadata, so that one thing has one name in every line.
///
/// Isolation: constants.
public enum LogKey {
  /// The node's address, `HOST:PORT`.
  public static let address = "address"
  /// What a line is about, where no other key fits: names, a hint.
  public static let detail = "detail"
  /// An error's sentence.
  public static let error = "error"
  /// The id of a request, as in the `X-Request-Id` header.
  public static let requestID = "request.id"
  /// A shared session's id.
  public static let sharedSessionID = "session.id"
  /// A participant's id.
  public static let participantID = "participant.id"
  /// A host session's id.
  public static let hostSessionID = "host_session.id"
  /// A dispatch's id.
  public static let dispatchID = "dispatch.id"
  /// How to open redis-cli on the private server.
  public static let inspect = "redis.inspect"
  /// The program's version.
  public static let version = "version"
}
