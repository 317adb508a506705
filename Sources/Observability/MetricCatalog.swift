/// What is said about a metric in the exposition, and how its values are divided.
///
/// Isolation: an immutable value.
public struct MetricDescription: Sendable, Hashable {
  /// One sentence, for people who look at `/metrics`.
  public let help: String
  /// Upper bounds of a histogram's buckets, ascending, without infinity. Seconds for timers.
  public let buckets: [Double]

  /// A description; the default buckets suit times in seconds from half a millisecond to ten seconds.
  public init(_ help: String, buckets: [Double] = MetricDescription.secondBuckets) {
    self.help = help
    self.buckets = buckets
  }

  /// Times of requests and commands.
  public static let secondBuckets: [Double] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ]
  /// Sizes in bytes and numbers of things.
  public static let sizeBuckets: [Double] = [1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576]
}

/// The metrics of the program by label, with a sentence about each.
///
/// Modules name their metrics where they count; this list adds what only the exposition needs. A metric missing here
/// still appears, with a help text made of its name.
///
/// Isolation: pure functions.
public enum MetricCatalog {
  /// The description of a metric; nil when there is none.
  public static func description(of label: String) -> MetricDescription? { descriptions[label] }

  private static let descriptions: [String: MetricDescription] = [
    "tandem.http.requests": MetricDescription("HTTP requests answered, by method, route and status."),
    "tandem.http.request.duration": MetricDescription("Seconds from a request's head to its answer, streams left out."),
    "tandem.http.connections": MetricDescription("Open HTTP connections."),
    "tandem.http.refused": MetricDescription("Requests and connections refused by a bound, by its name."),
    "tandem.streams.open": MetricDescription("Open event streams of this node."),
    "tandem.streams.ended": MetricDescription("Event streams that ended, by reason."),
    "tandem.streams.delivered": MetricDescription("Events written to streams."),
    "tandem.streams.slow": MetricDescription("Streams disconnected because they fell too far behind."),
    "tandem.redis.commands": MetricDescription("Commands sent to Redis."),
    "tandem.redis.command.duration": MetricDescription("Seconds a command to Redis took."),
    "tandem.redis.reconnects": MetricDescription("Connections to Redis that were lost and made again."),
    "tandem.sweeper.expired": MetricDescription("Sessions this node has swept after their end of life."),
    "tandem.embedded_redis.restarts": MetricDescription("Times the private redis-server had to be started again."),
    "tandem.node.info": MetricDescription("1, with the version of this node as a label."),
    "tandem.metrics.dropped": MetricDescription(
      "Series not kept because a metric had too many combinations of labels."),
  ]
}
