import HTTPGateway

/// What cannot be told from one key alone: values that are right by themselves and wrong together.
///
/// Isolation: an immutable value of pure functions.
struct ConfigurationRule: Sendable {
  /// What is wrong, as a sentence that names the keys; nil when nothing is.
  let problem: @Sendable (TandemConfiguration) -> String?

  /// A rule with a sentence of its own.
  init(_ problem: @escaping @Sendable (TandemConfiguration) -> String?) { self.problem = problem }

  /// Every rule there is.
  static let all: [ConfigurationRule] = access + redis

  private static let access: [ConfigurationRule] = [
    ConfigurationRule { configuration in
      guard configuration.access == .open, !configuration.isLocal, !configuration.forceOpen else { return nil }
      return "access is \"open\" but host is \"\(configuration.gateway.host)\", which other machines can reach; set "
        + "access to keyed and give apiKeys, listen on 127.0.0.1, or set forceOpen to true if everybody on that network "
        + "may use it"
    },
    ConfigurationRule { configuration in
      guard configuration.access == .keyed, configuration.apiKeys.isEmpty else { return nil }
      return "access is \"keyed\" (the default unless host is a loopback address; host is "
        + "\"\(configuration.gateway.host)\") but apiKeys is empty, so nobody could create a session; give at least one "
        + "NAME:DIGEST, or set forceOpen to true if everybody who can reach the address may use it"
    },
    ConfigurationRule { configuration in
      let names = configuration.apiKeys.compactMap { APIKeyDigest($0)?.name }
      guard let name = Set(names).sorted().first(where: { name in names.count { $0 == name } > 1 }) else { return nil }
      return "apiKeys holds the name \"\(name)\" more than once; each name must be unique"
    },
  ]

  private static let redis: [ConfigurationRule] = [
    ConfigurationRule { configuration in
      guard configuration.durability == .replicated, configuration.redis == nil else { return nil }
      return "durability is \"replicated\" but redis is not set; the private redis-server has no replicas"
    },
    ConfigurationRule { configuration in
      guard configuration.redis == nil, configuration.dataDirectory.isEmpty else { return nil }
      return "dataDirectory is not set and neither XDG_STATE_HOME nor HOME is; name a directory"
    },
  ]
}
