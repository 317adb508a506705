/// Where Redis is and how to use it. A value; `init(url:)` in its own file reads the usual URL forms.
public struct RedisClientConfiguration: Sendable, Hashable {
  /// How the Redis servers are laid out.
  public var topology: RedisTopologyKind
  /// The ACL user; nil is Redis's `default` user.
  public var username: String?
  /// The password; nil sends no AUTH. Never logged and never part of a description.
  public var password: String?
  /// The database number for SELECT; 0 sends none.
  public var database: Int = 0
  /// How to encrypt; nil is plain.
  public var tls: RedisTLS?
  /// What `CLIENT SETNAME` shows for these connections; nil sends none. No blanks or control characters.
  public var connectionName: String? = "tandem"

  /// Whether a server that is a replica is of use. It is not to anybody who writes: then a connection to it is refused, and
  /// tried again until the address leads to a primary.
  public var acceptsReplica: Bool = false

  /// How long a connection may take from the first packet to the end of AUTH and SELECT.
  public var connectTimeout: Duration = .seconds(5)
  /// How long a command may take from the moment it is given to the client until its reply is here.
  public var commandTimeout: Duration = .seconds(5)
  /// How long a command waits for a connection while there is none, before it fails as unavailable.
  public var connectionWait: Duration = .seconds(1)
  /// Bounds of the pause between attempts to connect. It doubles from the lower to the upper one, and each pause is
  /// drawn between half of it and all of it, so that many nodes do not return in step.
  public var reconnectDelay: ClosedRange<Duration> = .milliseconds(50)...Duration.seconds(2)
  /// How often an idle connection is probed with PING. What stays silent for three intervals is closed: with the default a
  /// connection into the void is noticed within 5 s.
  public var probeInterval: Duration = .milliseconds(1_600)
  /// Whether subscriber connections prove with a message through a channel of their own, at every probe, that Redis still
  /// delivers: one can answer every PING and be mute.
  public var provesSubscriptions = false

  /// Commands of one connection whose reply is not here; more are refused as overloaded.
  public var maximumCommandsInFlight: Int = 16_384
  /// Encoded bytes of those commands; more are refused as overloaded.
  public var maximumBytesInFlight: Int = 64 << 20
  /// The largest reply in bytes of the wire; a larger one is dropped and its command fails, while the connection goes on.
  public var maximumReplyBytes: Int = 64 << 20
  /// Distinct channels subscribed at once; more are refused as overloaded.
  public var maximumChannels: Int = 100_000

  /// The user and password for the Sentinels themselves; nil says nothing to them.
  public var sentinelLogin: RedisLogin?
  /// How often to ask the Sentinels who the primary is, when nothing gives a reason to ask before.
  public var sentinelLook: Duration = .seconds(10)
  /// How often to ask a cluster which primary has which slots, when nothing gives a reason to ask before.
  public var clusterLook: Duration = .seconds(30)
  /// Where to reach a server that Sentinels or a cluster know under an address that does not lead there from here.
  public var reachedAt: [RedisEndpoint: RedisEndpoint] = [:]

  /// When a write counts as done.
  public var durability: RedisDurability = .local
  /// What the keys and channels of `probe(within:)` start with.
  public var probePrefix: String = "tandem"

  /// A configuration with every default, for a topology.
  public init(topology: RedisTopologyKind) {
    self.topology = topology
  }
}

/// How the Redis servers are laid out. A value.
public enum RedisTopologyKind: Sendable, Hashable {
  /// One server.
  case standalone(RedisEndpoint)
  /// A primary that Sentinels name, by the name they know it under.
  case sentinel([RedisEndpoint], primary: String)
  /// A cluster, entered through any of these nodes.
  case cluster([RedisEndpoint])
}

/// One address of a server. A value.
public enum RedisEndpoint: Sendable, Hashable, CustomStringConvertible {
  /// A TCP address: name or IP, and port.
  case host(String, port: Int)
  /// A Unix domain socket's path.
  case unixSocket(path: String)

  /// The address for logs and errors.
  public var description: String {
    switch self {
    case .host(let name, let port): name.contains(":") ? "[\(name)]:\(port)" : "\(name):\(port)"
    case .unixSocket(let path): path
    }
  }
}

/// Who to say one is. A value.
public struct RedisLogin: Sendable, Hashable {
  /// The ACL user; nil is the `default` user.
  public var username: String?
  /// The password. Never logged.
  public var password: String

  /// A user and their password.
  public init(username: String? = nil, password: String) {
    self.username = username
    self.password = password
  }
}

/// How to encrypt a connection. A value. Certificates and names are always verified.
public struct RedisTLS: Sendable, Hashable {
  /// A PEM file with the certificates to trust; nil trusts what the system trusts.
  public var certificateAuthorityFile: String?

  /// TLS that trusts the system's certificates, or those of one file.
  public init(certificateAuthorityFile: String? = nil) {
    self.certificateAuthorityFile = certificateAuthorityFile
  }
}

/// When a write counts as done. A value.
public enum RedisDurability: Sendable, Hashable {
  /// When the primary has it (and, if so configured, on its disk).
  case local
  /// When that many replicas, or with nil a majority of those known, have confirmed it within the time; otherwise the command
  /// fails as `notReplicated` although the primary has it. When nil and none is known to be up it fails before it is sent.
  case replicated(replicas: Int?, timeout: Duration)
  /// When the primary and as many replicas have it in their append-only files, on disk; otherwise the command fails as
  /// `notReplicated`. Needs Redis 7.2 or later.
  case synced(replicas: Int?, timeout: Duration)

  /// What confirms a write, and how long it may take; nil when nothing does.
  var barrier: (replicas: Int?, timeout: Duration, isSynced: Bool)? {
    switch self {
    case .local: nil
    case .replicated(let replicas, let timeout): (replicas, timeout, false)
    case .synced(let replicas, let timeout): (replicas, timeout, true)
    }
  }

  /// Whether it matters how many replicas there are.
  var countsReplicas: Bool { barrier.map { $0.replicas == nil } ?? false }
}

extension RedisClientConfiguration: CustomStringConvertible {
  /// Where it connects to, without the password.
  public var description: String {
    let places =
      switch topology {
      case .standalone(let endpoint): endpoint.description
      case .sentinel(let endpoints, let primary):
        "\(primary) named by " + endpoints.map(\.description).joined(separator: ",")
      case .cluster(let endpoints): "the cluster of " + endpoints.map(\.description).joined(separator: ",")
      }
    return (username.map { $0 + "@" } ?? "") + places + (database == 0 ? "" : " database \(database)")
      + (tls == nil ? "" : " over TLS")
  }
}

extension RedisClientConfiguration {
  /// Checks what the types cannot say.
  ///
  /// - Throws: `RedisError` with one sentence on the first value that cannot work.
  func check() throws(RedisError) {
    let durations = [
      ("connectTimeout", connectTimeout), ("commandTimeout", commandTimeout), ("connectionWait", connectionWait),
      ("reconnectDelay", reconnectDelay.lowerBound), ("probeInterval", probeInterval),
      ("sentinelLook", sentinelLook), ("clusterLook", clusterLook),
    ]
    for (name, duration) in durations where duration <= .zero {
      throw .unusable("The Redis setting \(name) must be longer than zero.")
    }
    let counts = [
      ("maximumCommandsInFlight", maximumCommandsInFlight), ("maximumBytesInFlight", maximumBytesInFlight),
      ("maximumReplyBytes", maximumReplyBytes), ("maximumChannels", maximumChannels),
    ]
    for (name, count) in counts where count < 1 {
      throw .unusable("The Redis setting \(name) must be 1 or more.")
    }
    if username != nil, password == nil { throw .unusable("The Redis settings name a user but no password.") }
    if let connectionName, connectionName.utf8.contains(where: { $0 <= 32 || $0 >= 127 }) {
      throw .unusable("The Redis setting connectionName may hold neither blanks nor anything beyond ASCII.")
    }
    if let (replicas, timeout, isSynced) = durability.barrier {
      guard (replicas ?? 1) >= (isSynced ? 0 : 1) else {
        throw .unusable("Replicated durability needs 1 replica or more.")
      }
      // WAIT counts in milliseconds, and 0 would mean to wait for ever.
      guard timeout >= .milliseconds(1), timeout < commandTimeout else {
        throw .unusable(
          "The time for replication must be from 1 ms to less than the command timeout of \(commandTimeout).")
      }
    }
  }
}

extension RedisError {
  static func unusable(_ message: String) -> RedisError {
    RedisError(code: .unavailable, message: message, mayHaveRun: false)
  }
}
