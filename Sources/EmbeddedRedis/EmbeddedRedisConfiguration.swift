/// How the private redis-server is run.
///
/// Isolation: a value.
public struct EmbeddedRedisConfiguration: Sendable, Hashable {
  /// Where everything is kept; made when missing. Relative paths count from the working directory.
  public var dataDirectory: String
  /// The program to run, by name (looked up in `PATH`) or path.
  public var serverProgram = "redis-server"
  /// The program that repairs append-only files, by name or path.
  public var checkProgram = "redis-check-aof"
  /// Bytes its data may take; full, it refuses writes and evicts nothing. 0 is no bound.
  public var maximumMemory = 1 << 30
  /// Pause before the first restart; it doubles with each further failure in a row.
  public var firstRestartDelay: Duration = .milliseconds(50)
  /// Longest pause between restarts.
  public var longestRestartDelay: Duration = .seconds(5)
  /// A server that ran this long counts as healthy: the next failure starts again with the first pause.
  public var healthyAfter: Duration = .seconds(30)
  /// Failed starts in a row, before the first one that works, after which the service gives up.
  public var firstStartAttempts = 3
  /// How long a started server may take to answer; while it says that it is loading its data, the time does not count.
  public var answerTimeout: Duration = .seconds(15)
  /// How long a server that was asked to stop may take before it is killed.
  public var stopTimeout: Duration = .seconds(10)
  /// How often a server somebody else started is looked at.
  public var watchInterval: Duration = .milliseconds(200)

  /// A configuration with every default, for a data directory.
  public init(dataDirectory: String) {
    self.dataDirectory = dataDirectory
  }
}
