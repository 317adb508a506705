public import EventStreaming
public import SharedSessions

/// What the gateway may be configured with. A plain value with the defaults; reading configuration is the program's work.
public struct GatewayConfiguration: Sendable {
  /// The address to listen on: a name or an IP address.
  public var host = "127.0.0.1"
  /// The port; 0 picks a free one.
  public var port = 8080
  /// Who may call what.
  public var access: AccessPolicy = .open
  /// The keys that `keyed` access asks for.
  public var apiKeys = APIKeys()
  /// Further names that `open` access answers to, `example.org` or `example.org:8443`; loopback names and the address
  /// that is listened on need no entry. What is no `HostName` matches nothing.
  public var hosts: [String] = []
  /// The origins whose pages may call this node, such as `https://example.org`. What is no `WebOrigin` matches nothing.
  public var corsOrigins: [String] = []
  /// Who may read `/metrics`.
  public var metricsAccess: MetricsAccess = .loopback

  /// Bytes of a request's body.
  public var bodyBytes = 256 * 1024
  /// Bytes of one attachment of a prompt.
  public var attachmentBytes = 2 << 20
  /// Attachments of one prompt.
  public var attachments = 8
  /// Bytes of bodies with attachments that are read at once on one node.
  public var uploadBytes = 256 << 20
  /// Bytes of a prompt's body, in which attachments are base64.
  var promptBodyBytes: Int { bodyBytes + attachments * (attachmentBytes / 3 * 4 + 1_024) }
  /// Bytes of one line of an NDJSON body: agents send images and files in one notification.
  public var notificationBytes = 4 * 1024 * 1024
  /// Bytes of a request's head.
  public var headerBytes = 16 * 1024
  /// Bytes of a request's target.
  public var uriBytes = 4 * 1024
  /// How deep arrays and objects may be nested in a JSON body.
  public var jsonDepth = 32
  /// Connections open at once; more wait to be accepted.
  public var connections = 25_000
  /// Sessions on one combined stream.
  public var sessionsPerStream = 32
  /// The largest `limit` of a listing.
  public var pageSize = 500
  /// What texts and ids may be.
  public var fieldRules = FieldRules()

  /// How many requests of one participant are taken, over all nodes; nil for any number.
  public var participantRate: RequestRate?
  /// How many requests from one address are taken, over all nodes; nil for any number.
  public var addressRate: RequestRate?
  /// Load balancers whose `X-Forwarded-For` says which address a request is from.
  public var trustedProxies: [AddressRange] = []

  /// From the first byte of a request's head to its end.
  public var headTimeout: Duration = .seconds(10)
  /// From the end of a head to the end of its body; NDJSON bodies are exempt.
  public var bodyTimeout: Duration = .seconds(30)
  /// From the first byte of a line of an NDJSON body to its last; between two lines it may be silent.
  public var lineTimeout: Duration = .seconds(60)
  /// A connection without a request is closed after this.
  public var idleTimeout: Duration = .seconds(75)
  /// A response that cannot be written for this long is given up.
  public var writeTimeout: Duration = .seconds(30)
  /// How long Redis may take for a readiness probe.
  public var probeTimeout: Duration = .seconds(2)
  /// Percent of Redis's primaries with which gone the node counts as not ready; with fewer it is degraded.
  public var lostPrimaries: Int = 50

  /// How streams are treated.
  public var streams = StreamSettings()
  /// How long a graceful shutdown may take.
  public var drainTimeout: Duration = .seconds(30)
  /// The part of it over which streams are ended, so that their clients do not all reconnect at once; half of it at most.
  public var drainWindow: Duration = .seconds(5)

  /// The defaults.
  public init() {}
}
