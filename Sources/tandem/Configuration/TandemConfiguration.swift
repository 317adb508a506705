import EmbeddedRedis
import HTTPGateway
import Logging
import RedisClient
import SharedSessions

/// The effective configuration of a node: the settings of each part, every key checked, every default applied, read once
/// before anything starts.
///
/// A key's value lives in one place, the part that uses it; ``ConfigurationKey/all`` says where. What this struct holds
/// itself is what concerns several parts, or the program.
///
/// Isolation: a value; nobody changes it once it is read.
struct TandemConfiguration: Sendable {
  /// When a write is acknowledged.
  enum Durability: String, Sendable, CaseIterable { case local, replicated, synced }
  /// Form of the log.
  enum LogFormat: String, Sendable, CaseIterable { case json, text }

  /// For the gateway and its streams.
  var gateway = GatewayConfiguration()
  /// For the domain.
  var sessions = SharedSessionSettings()
  /// For the private redis-server.
  var embeddedRedis = EmbeddedRedisConfiguration(dataDirectory: "")
  /// For the Redis client, but for where it connects to; ``redisClient()`` adds that.
  var redisSettings = RedisClientConfiguration(topology: .standalone(.host("127.0.0.1", port: 6379)))

  /// Nil: the node runs a private redis-server.
  var redis: String?
  var durability = Durability.local
  /// Nil: a majority of those known.
  var redisReplicas: Int?
  var forceOpen = false
  /// File with the password for `redis`.
  var redisPasswordFile: String?
  /// For the Sentinels themselves; ``redisSettings`` has what comes of these.
  var redisSentinelUser: String?
  var redisSentinelPassword: String?
  var redisSentinelPasswordFile: String?
  /// Where servers are reached whose own addresses lead nowhere.
  var redisAddresses: [RedisAddressMapping] = []
  /// File with the entries of `apiKeys`.
  var apiKeysFile: String?
  var logLevel = Logger.Level.info
  var logFormat = LogFormat.json

  // What was asked for where the default depends on other keys; nil when nothing was. The gateway and the domain have
  // what came of it.
  var askedAccess: AccessPolicy?
  var askedJoinReuse: JoinReuse?
  var askedParticipantRate: RateSetting?
  var askedAddressRate: RateSetting?

  /// What the operator should know, though it stops nothing.
  private(set) var remarks: [ConfigurationRemark] = []

  /// The defaults, as far as they depend on nothing.
  init() {}

  /// First part of every key in Redis.
  var prefix: String {
    get { redisSettings.probePrefix }
    set { redisSettings.probePrefix = newValue }
  }

  /// How long Redis may take for anything.
  var redisTimeout: Duration {
    get { redisSettings.commandTimeout }
    set {
      redisSettings.commandTimeout = newValue
      redisSettings.connectTimeout = newValue
    }
  }

  /// The keys that `keyed` access asks for.
  var apiKeys: [APIKeys.Entry] {
    get { gateway.apiKeys.entries }
    set { gateway.apiKeys = APIKeys(newValue) }
  }

  /// Who may list, create and read.
  var access: AccessPolicy { gateway.access }
  /// Where the private redis-server keeps its data.
  var dataDirectory: String { embeddedRedis.dataDirectory }
  /// Whether only this machine can reach the listener.
  var isLocal: Bool { LoopbackAddress.contains(gateway.host) }

  /// Reads and checks everything.
  ///
  /// - Parameters:
  ///   - resolver: The values found for each key.
  ///   - environment: Used only to find the default data directory (`XDG_STATE_HOME`, `HOME`). Files with secrets are
  ///     read, too.
  /// - Throws: All problems at once, each a sentence naming the key, the value and what is allowed.
  init(_ resolver: ConfigurationResolver, environment: [String: String]) throws(ConfigurationError) {
    guard resolver.problems.isEmpty else { throw ConfigurationError(problems: resolver.problems) }
    for key in ConfigurationKey.all {
      if let value = resolver.resolved[key.name]?.value { key.field.set(value, &self) }
    }
    var problems = ConfigurationRule.secrets.compactMap { $0.problem(self) }
    problems += readSecretFiles()
    derive(environment)
    problems += ConfigurationRule.all.compactMap { $0.problem(self) }
    guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
    remarks = resolver.remarks + ConfigurationRemark.about(self)
  }

  /// Puts what secret files hold where their keys' values live.
  ///
  /// - Returns: What is wrong with them.
  private mutating func readSecretFiles() -> [String] {
    var problems: [String] = []
    do throws(SecretFile.Failure) {
      if let apiKeysFile {
        apiKeys = try SecretFile.entries(apiKeysFile, AccessText.apiKey).compactMap { APIKeys.Entry($0) }
      }
    } catch {
      problems.append("apiKeysFile: \(apiKeysFile ?? "") \(error.reason)")
    }
    do throws(SecretFile.Failure) {
      if let redisPasswordFile { redisSettings.password = try SecretFile.line(redisPasswordFile) }
    } catch {
      problems.append("redisPasswordFile: \(redisPasswordFile ?? "") \(error.reason)")
    }
    do throws(SecretFile.Failure) {
      if let redisSentinelPasswordFile { redisSentinelPassword = try SecretFile.line(redisSentinelPasswordFile) }
    } catch {
      problems.append("redisSentinelPasswordFile: \(redisSentinelPasswordFile ?? "") \(error.reason)")
    }
    return problems
  }

  /// Fills in what follows from several keys.
  private mutating func derive(_ environment: [String: String]) {
    if dataDirectory.isEmpty { embeddedRedis.dataDirectory = Self.defaultDataDirectory(environment) ?? "" }
    gateway.access = askedAccess ?? (isLocal || (forceOpen && apiKeys.isEmpty) ? .open : .keyed)
    sessions.joinReuse = askedJoinReuse ?? (access == .open ? .lenient : .strict)
    let isLimited = access == .keyed
    gateway.participantRate = (askedParticipantRate ?? (isLimited ? .keyedParticipant : .off)).rate
    gateway.addressRate = (askedAddressRate ?? (isLimited ? .keyedAddress : .off)).rate
    redisSettings.connectionWait = min(redisSettings.connectionWait, redisTimeout)
    redisSettings.sentinelLogin = redisSentinelPassword.map { RedisLogin(username: redisSentinelUser, password: $0) }
    redisSettings.reachedAt = Dictionary(redisAddresses.map { ($0.told, $0.reached) }) { $1 }
    switch durability {
    case .local: break
    case .replicated: redisSettings.durability = .replicated(replicas: redisReplicas, timeout: redisTimeout / 2)
    case .synced: redisSettings.durability = .synced(replicas: redisReplicas, timeout: redisTimeout / 2)
    }
    redisSettings.provesSubscriptions = true
  }

  /// `tandem` below the directory the XDG base directory specification names for state.
  private static func defaultDataDirectory(_ environment: [String: String]) -> String? {
    if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return state + "/tandem" }
    if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.local/state/tandem" }
    return nil
  }
}

/// How many requests are taken, where none is a choice of its own.
///
/// Isolation: an immutable value.
enum RateSetting: Sendable, Hashable {
  case off
  case limit(RequestRate)

  static let keyedParticipant = RateSetting.limit(RequestRate(count: 50, interval: .seconds(1)))
  static let keyedAddress = RateSetting.limit(RequestRate(count: 200, interval: .seconds(1)))

  /// Reads `off` or a rate.
  init?(_ text: String) {
    if text == "off" {
      self = .off
    } else if let rate = RateText.parse(text) {
      self = .limit(rate)
    } else {
      return nil
    }
  }

  /// The setting that stands for a rate; nil is no limit.
  init(_ rate: RequestRate?) { self = rate.map(Self.limit) ?? .off }

  /// Nil: no limit.
  var rate: RequestRate? {
    switch self {
    case .off: nil
    case .limit(let rate): rate
    }
  }

  /// As a person writes it.
  var text: String { rate.map(RateText.format) ?? "off" }
}
