import HTTPGateway
import RedisClient

/// What cannot be told from one key alone: values that are right by themselves and wrong together.
///
/// Isolation: an immutable value of pure functions.
struct ConfigurationRule: Sendable {
  /// What is wrong, as a sentence that names the keys; nil when nothing is.
  let problem: @Sendable (TandemConfiguration) -> String?

  /// A rule with a sentence of its own.
  init(_ problem: @escaping @Sendable (TandemConfiguration) -> String?) { self.problem = problem }

  /// A rule about keys that contradict each other; the sentence tells their values and then why that cannot be.
  init(_ names: [String], _ why: String, isBroken: @escaping @Sendable (TandemConfiguration) -> Bool) {
    self.init { configuration in
      guard isBroken(configuration) else { return nil }
      return names.map { "\($0) is \(Self.text($0, configuration))" }.joined(separator: " and ") + "; " + why
    }
  }

  /// Every rule there is, but for those about where secrets come from.
  static let all: [ConfigurationRule] = access + redis + bounds

  /// Rules about where secrets come from, checked before files are read.
  static let secrets: [ConfigurationRule] = [
    ConfigurationRule { configuration in
      guard configuration.apiKeysFile != nil, !configuration.apiKeys.isEmpty else { return nil }
      return "apiKeys and apiKeysFile are both given; give one of them"
    },
    ConfigurationRule { configuration in
      guard configuration.redisPasswordFile != nil else { return nil }
      guard let redis = configuration.redis else {
        return "redisPasswordFile is given but redis is not; the private redis-server has no password"
      }
      let hasPassword = (try? RedisClientConfiguration(url: redis))?.password != nil
      return hasPassword ? "redis holds a password and redisPasswordFile is given, too; give one of them" : nil
    },
    ConfigurationRule { configuration in
      guard configuration.redisSentinelPasswordFile != nil, configuration.redisSentinelPassword != nil else {
        return nil
      }
      return "redisSentinelPassword and redisSentinelPasswordFile are both given; give one of them"
    },
    ConfigurationRule { configuration in
      guard configuration.redisSentinelUser != nil, configuration.redisSentinelPassword == nil,
        configuration.redisSentinelPasswordFile == nil
      else { return nil }
      return "redisSentinelUser is given but redisSentinelPassword is not; give it, or redisSentinelPasswordFile"
    },
    ConfigurationRule { configuration in
      guard configuration.redisPasswordFile == nil, let redis = configuration.redis,
        (try? RedisClientConfiguration(url: redis)) == nil
      else { return nil }
      return "redis names a user but no password, and redisPasswordFile is not given; write user:password@ in the URL, "
        + "or give the file"
    },
  ]

  private static let access: [ConfigurationRule] = [
    ConfigurationRule { configuration in
      guard configuration.access == .open, !configuration.isLocal, !configuration.forceOpen else { return nil }
      return "access is \"open\" but host is \"\(configuration.gateway.host)\", which other machines can reach; set "
        + "access to keyed and give apiKeys, listen on 127.0.0.1, or set forceOpen to true if everybody on that network "
        + "may use it"
    },
    ConfigurationRule { configuration in
      // A file that is given has entries, or its own complaint.
      guard configuration.access == .keyed, configuration.apiKeys.isEmpty, configuration.apiKeysFile == nil else {
        return nil
      }
      return "access is \"keyed\" (the default unless host is a loopback address; host is "
        + "\"\(configuration.gateway.host)\") but apiKeys is empty, so nobody could create a session; give at least one "
        + "NAME:DIGEST, or set forceOpen to true if everybody who can reach the address may use it"
    },
    ConfigurationRule { configuration in
      let names = configuration.apiKeys.map(\.name)
      guard let name = Set(names).sorted().first(where: { name in names.count { $0 == name } > 1 }) else { return nil }
      return "apiKeys holds the name \"\(name)\" more than once; each name must be unique"
    },
  ]

  private static let redis: [ConfigurationRule] = [
    ConfigurationRule { configuration in
      guard configuration.durability != .local, configuration.redis == nil else { return nil }
      return
        "durability is \"\(configuration.durability)\" but redis is not set; the private redis-server has no replicas"
    },
    ConfigurationRule { configuration in
      guard configuration.redis == nil, configuration.dataDirectory.isEmpty else { return nil }
      return "dataDirectory is not set and neither XDG_STATE_HOME nor HOME is; name a directory"
    },
  ]

  /// A key's value as a person writes it.
  private static func text(_ name: String, _ configuration: TandemConfiguration) -> String {
    guard let key = ConfigurationKey.named(name) else { preconditionFailure("there is no key \(name)") }
    return key.field.get(configuration)?.text(for: key.kind) ?? "not set"
  }
}
