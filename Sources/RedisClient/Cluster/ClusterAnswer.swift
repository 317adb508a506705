internal import RedisWire

/// What one node of a cluster says about all of it. A value.
struct ClusterAnswer: Sendable, Hashable {
  /// Slots that one primary has.
  struct Share: Sendable, Hashable {
    let slots: ClosedRange<Int>
    let primary: RedisEndpoint
  }

  /// Who has which slots, in the order of the slots; they do not overlap.
  let shares: [Share]
  /// Every node that was named, replicas included.
  let nodes: Set<RedisEndpoint>
  /// How many replicas of each primary are up.
  let replicas: [RedisEndpoint: Int]
  /// Whether every node that was named is up.
  let isWhole: Bool

  /// - Parameter shares: as they come; of two that overlap the second one is left out.
  init(shares: [Share], nodes: Set<RedisEndpoint>, replicas: [RedisEndpoint: Int] = [:], isWhole: Bool = true) {
    var sorted: [Share] = []
    for share in shares.sorted(by: { $0.slots.lowerBound < $1.slots.lowerBound })
    where share.slots.lowerBound > (sorted.last?.slots.upperBound ?? -1) && share.slots.upperBound < HashSlot.count {
      sorted.append(share)
    }
    self.shares = sorted
    self.nodes = nodes
    self.replicas = replicas
    self.isWhole = isWhole
  }

  /// How to read the addresses in an answer. A value.
  struct Addresses {
    /// The node that answers: one that does not know its own host names nothing instead.
    let asked: RedisEndpoint
    /// Whether connections are encrypted, for which nodes may have another port.
    let encrypted: Bool
    /// Where to reach servers whose own addresses lead nowhere.
    let reachedAt: [RedisEndpoint: RedisEndpoint]

    func endpoint(_ host: String?, _ port: Int?) -> RedisEndpoint? {
      guard let port, (1...65_535).contains(port) else { return nil }
      var name = host ?? ""
      if name.isEmpty || name == "?" {
        guard case .host(let own, _) = asked else { return nil }
        name = own
      }
      let told = RedisEndpoint.host(name, port: port)
      return reachedAt[told] ?? told
    }
  }

  /// Reads the reply to `CLUSTER SHARDS`; nil when it is none.
  init?(shards reply: RedisValue, _ addresses: Addresses) {
    guard let shards = reply.array else { return nil }
    var shares: [Share] = []
    var nodes: Set<RedisEndpoint> = []
    var replicas: [RedisEndpoint: Int] = [:]
    var isWhole = true
    for shard in shards {
      guard let fields = shard.fields, let bounds = fields["slots"]?.array?.map({ $0.integer ?? -1 }),
        let members = fields["nodes"]?.array?.compactMap(\.fields)
      else { return nil }
      var primaries: [(endpoint: RedisEndpoint, isOnline: Bool)] = []
      var count = 0
      for member in members {
        let port = (addresses.encrypted ? member["tls-port"] : nil) ?? member["port"]
        let host = member["endpoint"].flatMap { $0.string == "?" ? member["ip"]?.string : $0.string }
        guard let endpoint = addresses.endpoint(host, port?.integer) else { continue }
        nodes.insert(endpoint)
        let isOnline = member["health"]?.string == "online"
        isWhole = isWhole && isOnline
        if member["role"]?.string == "master" {
          primaries.append((endpoint, isOnline))
        } else if isOnline {
          count += 1
        }
      }
      // In the middle of a failover two call themselves primary.
      guard let primary = primaries.first(where: \.isOnline) ?? primaries.first else { continue }
      replicas[primary.endpoint] = count
      for index in stride(from: 0, to: bounds.count - 1, by: 2) {
        guard 0 <= bounds[index], bounds[index] <= bounds[index + 1] else { return nil }
        shares.append(Share(slots: bounds[index]...bounds[index + 1], primary: primary.endpoint))
      }
    }
    self.init(shares: shares, nodes: nodes, replicas: replicas, isWhole: isWhole)
  }

  /// Reads the reply to `CLUSTER SLOTS`; nil when it is none.
  init?(slots reply: RedisValue, _ addresses: Addresses) {
    guard let ranges = reply.array else { return nil }
    var shares: [Share] = []
    var nodes: Set<RedisEndpoint> = []
    var replicas: [RedisEndpoint: Int] = [:]
    for range in ranges {
      guard let parts = range.array, parts.count >= 3, let first = parts[0].integer, let last = parts[1].integer,
        0 <= first, first <= last
      else { return nil }
      let members = parts[2...].map { member -> RedisEndpoint? in
        guard let fields = member.array, fields.count >= 2 else { return nil }
        return addresses.endpoint(fields[0].string, fields[1].integer)
      }
      nodes.formUnion(members.compactMap(\.self))
      if let primary = members[0] {
        shares.append(Share(slots: first...last, primary: primary))
        // Those that are gone are not named here.
        replicas[primary] = members.count - 1
      }
    }
    self.init(shares: shares, nodes: nodes, replicas: replicas)
  }

  /// The primary of a slot; nil when nobody has it.
  func primary(of slot: Int) -> RedisEndpoint? {
    var (low, high) = (0, shares.count)
    while low < high {
      let middle = (low + high) / 2
      if shares[middle].slots.upperBound < slot { low = middle + 1 } else { high = middle }
    }
    return low < shares.count && shares[low].slots.contains(slot) ? shares[low].primary : nil
  }
}
