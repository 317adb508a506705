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
  /// The description of a metric; nil when there is none. Dots and underscores in the label are the same.
  public static func description(of label: String) -> MetricDescription? {
    descriptions[label.replacing(".", with: "_")]
  }

  private static let descriptions: [String: MetricDescription] = [
    "tandem_http_requests": MetricDescription("Requests answered, by route and class of status."),
    "tandem_http_request_duration": MetricDescription("Seconds from a request to its answer, streams left out."),
    "tandem_http_requests_refused": MetricDescription("Requests refused before any route saw them, by reason."),
    "tandem_http_connections_open": MetricDescription("Open connections."),
    "tandem_agent_cut_parts": MetricDescription(
      "What agents said of themselves that was cut or left out to fit its bound."),
    "tandem_questions_requested": MetricDescription("Questions of agents that were put to people."),
    "tandem_questions_refused": MetricDescription("Questions of agents refused because too many were waiting."),
    "tandem_http_connections_timed_out": MetricDescription("Connections closed because the client took too long."),
    "tandem_dispatches_given_up": MetricDescription("Approved prompts that the service failed, by cause."),
    "tandem_streams_open": MetricDescription("Open event streams of this node."),
    "tandem_streams_waiting": MetricDescription("Streams that wait for Redis to return before they are opened."),
    "tandem_streams_ended": MetricDescription("Event streams that ended, by reason; slow is one of them."),
    "tandem_streams_refused": MetricDescription(
      "Streams refused because there were too many: of this node, or of a participant over all nodes."),
    "tandem_streams_combined_open": MetricDescription("Open connections that carry streams of several sessions."),
    "tandem_streams_combined_refused": MetricDescription("Sessions refused on such connections while others went on."),
    "tandem_streams_deliveries": MetricDescription("Events written to streams, each stream counted."),
    "tandem_streams_resets": MetricDescription("Streams whose client was told to read the session anew."),
    "tandem_streams_held_dropped": MetricDescription(
      "Live events not held for a replay or a repair, because they were too many bytes; they are read from Redis."),
    "tandem_streams_repairs": MetricDescription("Times that missed messages were looked for in Redis."),
    "tandem_streams_events_repaired": MetricDescription("Events found in Redis that no message had brought."),
    "tandem_streams_events_unreadable": MetricDescription("Messages of Redis that could not be read as an event."),
    "tandem_permissions_requested": MetricDescription(
      "Permission requests of agents that wait or waited for an answer."),
    "tandem_permissions_refused": MetricDescription("Permission requests refused because too many were waiting."),
    "tandem_redis_commands": MetricDescription("Commands and scripts that Redis answered."),
    "tandem_redis_flushes": MetricDescription("Batches of commands written; commands per batch show the pipelining."),
    "tandem_redis_batch_duration": MetricDescription("Seconds from writing a batch to its last reply, sampled."),
    "tandem_redis_commands_in_flight": MetricDescription("Commands without an answer now."),
    "tandem_redis_command_timeouts": MetricDescription("Commands that got no answer in time."),
    "tandem_redis_oversized_replies": MetricDescription(
      "Replies and messages of Redis dropped because they were larger than limits.redisReply."),
    "tandem_redis_refusals": MetricDescription("Commands and subscriptions refused because too much was under way."),
    "tandem_redis_unknown_scripts": MetricDescription("Scripts that had to be sent with their source."),
    "tandem_redis_unreplicated_writes": MetricDescription("Writes that too few replicas confirmed."),
    "tandem_redis_connections": MetricDescription("Connections to Redis in use now."),
    "tandem_redis_connections_made": MetricDescription("Connections to Redis that became usable."),
    "tandem_redis_connections_lost": MetricDescription("Connections to Redis that ended unasked."),
    "tandem_redis_demotions": MetricDescription(
      "Connections to Redis given up because their server was not the primary, or not ready, any more."),
    "tandem_redis_connect_failures": MetricDescription("Attempts to connect to Redis that failed."),
    "tandem_redis_looks": MetricDescription(
      "Times that Sentinels or a cluster were asked which servers are the primaries."),
    "tandem_redis_primary_moves": MetricDescription("Times that a primary was found in another place than before."),
    "tandem_redis_subscribed_channels": MetricDescription("Channels subscribed now."),
    "tandem_redis_messages": MetricDescription("Messages received from subscribed channels."),
    "tandem_redis_subscription_interruptions": MetricDescription("Times that a subscription was interrupted."),
    "tandem_embedded_redis_restarts": MetricDescription("Times the private redis-server was started again."),
    "tandem_node_info": MetricDescription("1, with the version of this node as a label."),
    "tandem_metrics_dropped": MetricDescription("Series left out: too many combinations of labels, or a name taken."),
  ]
}
