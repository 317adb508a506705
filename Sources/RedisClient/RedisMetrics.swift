internal import CoreMetrics
internal import Synchronization

/// Every metric of this module, with its label. Immutable and Sendable; made once per client.
///
/// The metrics have no dimensions: everything worth telling apart has its own label.
struct RedisMetrics: Sendable {
  /// Commands and scripts that got a reply, error replies included.
  let commands = Counter(label: "tandem_redis_commands")
  /// Batches of commands written; commands divided by this is the depth of the pipelining.
  let flushes = Counter(label: "tandem_redis_flushes")
  /// From writing a batch until its last reply; one batch at a time of each connection is timed.
  let batchDuration = Timer(label: "tandem_redis_batch_duration")
  /// Commands without a reply now.
  let inFlight = Level(label: "tandem_redis_commands_in_flight")
  /// Commands that got no reply within the command timeout.
  let timeouts = Counter(label: "tandem_redis_command_timeouts")
  /// Replies and messages dropped because they were larger than the limit.
  let oversizedReplies = Counter(label: "tandem_redis_oversized_replies")
  /// Commands and subscriptions refused because too much was under way.
  let refusals = Counter(label: "tandem_redis_refusals")
  /// Scripts that had to be sent with their source.
  let unknownScripts = Counter(label: "tandem_redis_unknown_scripts")
  /// Writes that too few replicas confirmed.
  let unreplicated = Counter(label: "tandem_redis_unreplicated_writes")
  /// Connections in use now.
  let connections = Level(label: "tandem_redis_connections")
  /// Connections that became usable.
  let connectionsMade = Counter(label: "tandem_redis_connections_made")
  /// Connections in use that ended unasked.
  let connectionsLost = Counter(label: "tandem_redis_connections_lost")
  /// Connections given up because their server was not the primary, or not ready, any more.
  let demotions = Counter(label: "tandem_redis_demotions")
  /// Attempts to connect that failed.
  let connectFailures = Counter(label: "tandem_redis_connect_failures")
  /// Times that Sentinels or a cluster were asked which servers are the primaries.
  let looks = Counter(label: "tandem_redis_looks")
  /// Times that a primary was found in another place than before.
  let primaryMoves = Counter(label: "tandem_redis_primary_moves")
  /// Channels subscribed now.
  let channels = Level(label: "tandem_redis_subscribed_channels")
  /// Messages handed to subscriptions.
  let messages = Counter(label: "tandem_redis_messages")
  /// Subscriptions that were interrupted.
  let interruptions = Counter(label: "tandem_redis_subscription_interruptions")
}

/// A gauge that several event loops move up and down. Sendable: the level is behind a mutex.
final class Level: Sendable {
  private let gauge: Gauge
  private let level = Mutex(0)

  init(label: String) {
    gauge = Gauge(label: label)
    gauge.record(0)
  }

  func add(_ change: Int) {
    guard change != 0 else { return }
    // Recorded under the lock: otherwise two loops could record in the wrong order, and the gauge would stay wrong.
    level.withLock { level in
      level += change
      gauge.record(level)
    }
  }
}
