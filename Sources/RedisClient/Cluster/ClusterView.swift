internal import NIOCore

/// Who has which slots, by what the nodes of a cluster say. A value: it takes what happens and says what to do.
///
/// Several nodes are asked at once. What a majority of them says is believed, slot by slot; where they do not agree, what is known
/// stays. A node that sends a command on with MOVED is believed for that slot at once, and for a while even against the others:
/// they hear of a move later than those between whom it happens.
struct ClusterView {
  enum Action: Equatable {
    /// Ask these nodes; answers name the round they belong to.
    case ask([RedisEndpoint], round: Int)
    /// Wake this at a time, instead of at the one said before.
    case wake(at: NIODeadline)
    /// The slots are spread like this now.
    case adopt(SlotTable)
    /// The primaries have that many replicas that are up.
    case replicas([RedisEndpoint: Int])
    /// Nothing is known, because of this.
    case explain(String)
  }

  /// How many nodes are asked at once, at most.
  static let breadth = 5
  /// How long a MOVED counts for more than what others say.
  static let pinTime = TimeAmount.seconds(5)
  /// How often to ask while a node is missing.
  static let closeLook = TimeAmount.seconds(1)
  /// How long the others have to answer when most have: a node that hangs must not hold up a failover.
  static let moment = TimeAmount.milliseconds(250)

  private struct Round {
    let count: Int
    var waiting: Set<RedisEndpoint>
    var answers: [ClusterAnswer] = []
    var failure: RedisError?
    /// Whether most have answered, so that the others get only a moment more.
    var isHurried = false
  }

  private let seeds: [RedisEndpoint]
  private let interval: TimeAmount
  private let pause: TimeAmount
  private let countsReplicas: Bool
  private(set) var table: SlotTable?
  private var replicas: [RedisEndpoint: Int] = [:]
  /// Every node named in the last answers.
  private var nodes: [RedisEndpoint] = []
  /// A node nobody has named but one that sent a command there.
  private var stranger: RedisEndpoint?
  private var pins: [Int: (owner: RedisEndpoint, until: NIODeadline)] = [:]
  private var round = 0
  /// The round under way; nil while resting.
  private var current: Round?
  private var asksAgain = false
  private var restsUntil = NIODeadline.distantPast
  /// Rounds in a row in which no majority answered.
  private var fruitless = 0
  private var turn = 0

  /// - Parameters:
  ///   - seeds: nodes to begin with.
  ///   - interval: how often to ask without a reason.
  ///   - pause: the shortest time between two rounds.
  ///   - countsReplicas: whether it matters how many replicas the primaries have.
  init(
    seeds: [RedisEndpoint], interval: TimeAmount, pause: TimeAmount = .milliseconds(100), countsReplicas: Bool = false
  ) {
    self.countsReplicas = countsReplicas
    self.seeds = seeds
    self.interval = interval
    self.pause = pause
  }

  /// Whether nodes are being asked.
  var isAsking: Bool { current != nil }

  /// There is a reason to look: the start, a failed connection, a cluster that says it is down.
  mutating func look(now: NIODeadline) -> [Action] {
    if current != nil {
      asksAgain = true
      return []
    }
    return now >= restsUntil ? begin() : [.wake(at: restsUntil)]
  }

  /// A command was sent on for good.
  mutating func moved(_ slot: Int, to owner: RedisEndpoint, now: NIODeadline) -> [Action] {
    guard (0..<HashSlot.count).contains(slot) else { return [] }
    let isNew = pins[slot]?.owner != owner
    pins[slot] = (owner, now + Self.pinTime)
    if !nodes.contains(owner) { stranger = owner }
    // Known already: many commands are sent on at once.
    if !isNew, table?.owner(of: slot) == owner { return [] }
    var actions: [Action] = []
    if table?.owner(of: slot) != owner, var changed = table {
      changed.move(slot, to: owner)
      table = changed
      actions.append(.adopt(changed))
    }
    return actions + look(now: now)
  }

  /// The time said with `wake` has come.
  mutating func wake(now: NIODeadline) -> [Action] {
    guard let current else { return begin() }
    return current.isHurried ? end(current, now: now) : []
  }

  /// A node has answered, or failed to.
  mutating func answered(
    _ node: RedisEndpoint, round: Int, _ answer: Result<ClusterAnswer, RedisError>, now: NIODeadline
  ) -> [Action] {
    guard round == self.round, current?.waiting.remove(node) != nil else { return [] }
    switch answer {
    case .success(let answer): current?.answers.append(answer)
    case .failure(let error): current?.failure = error
    }
    guard let current else { return [] }
    if current.waiting.isEmpty { return end(current, now: now) }
    guard !current.isHurried, current.answers.count * 2 > current.count else { return [] }
    self.current?.isHurried = true
    return [.wake(at: now + Self.moment)]
  }

  /// A round has taken long enough.
  mutating func timedOut(round: Int, now: NIODeadline) -> [Action] {
    guard round == self.round, let current else { return [] }
    return end(current, now: now)
  }

  private mutating func begin() -> [Action] {
    round += 1
    asksAgain = false
    turn += 1
    var chosen: [RedisEndpoint] = []
    func add(_ node: RedisEndpoint) { if chosen.count < Self.breadth, !chosen.contains(node) { chosen.append(node) } }
    if let stranger { add(stranger) }
    stranger = nil
    // Those that did not answer may all be gone, and their names lead to others now.
    if fruitless > 0 || nodes.isEmpty { for index in seeds.indices { add(seeds[(index + turn) % seeds.count]) } }
    for index in nodes.indices { add(nodes[(index + turn) % nodes.count]) }
    current = Round(count: chosen.count, waiting: Set(chosen))
    return [.ask(chosen, round: round)]
  }

  private mutating func end(_ round: Round, now: NIODeadline) -> [Action] {
    current = nil
    let answers = round.answers
    let isMajority = answers.count * 2 > round.count
    fruitless = isMajority ? 0 : min(fruitless + 1, 6)
    restsUntil = now + min(pause * (1 << max(fruitless - 1, 0)), interval)
    var actions: [Action] = []
    // With nothing to lose, and after a while of silence, a majority of those that answer is enough.
    let isFirst = table == nil
    var isWhole = true
    if !answers.isEmpty, isMajority || isFirst || fruitless > 2 {
      let voices = isMajority ? round.count : answers.count
      nodes = answers.reduce(into: Set()) { $0.formUnion($1.nodes) }.sorted { "\($0)" < "\($1)" }
      actions += adopt(SlotTable(agreedBy: answers, needed: voices / 2 + 1, former: table), now: now)
      isWhole = count(answers, &actions)
    } else if table == nil {
      actions.append(.explain(explanation(round)))
    }
    // What a single node has said at first is checked with the others at once.
    let again = asksAgain || !isMajority || isFirst
    // A node that is missing is waited for more closely: until it is counted again, others confirm writes without it.
    let pause = isWhole || !countsReplicas ? interval : min(interval, Self.closeLook)
    actions.append(.wake(at: again ? restsUntil : max(restsUntil, now + pause)))
    return actions
  }

  /// Counts replicas by what the answers say together.
  ///
  /// - Returns: whether none is missing.
  private mutating func count(_ answers: [ClusterAnswer], _ actions: inout [Action]) -> Bool {
    guard countsReplicas, let table else { return true }
    // A primary that nobody names any more keeps what it had: commands on their way there need as many as before.
    var changed: [RedisEndpoint: Int] = [:]
    for primary in table.primaries {
      let count = ReplicaCount.agreed(answers.compactMap { $0.replicas[primary] })
      if let count, replicas[primary] != count { changed[primary] = count }
    }
    if !changed.isEmpty { actions.append(.replicas(changed)) }
    replicas = replicas.merging(changed) { $1 }.filter { table.primaries.contains($0.key) }
    return answers.allSatisfy(\.isWhole)
  }

  private mutating func adopt(_ agreed: SlotTable, now: NIODeadline) -> [Action] {
    var agreed = agreed
    pins = pins.filter { $0.value.until > now }
    for (slot, pin) in pins where agreed.owner(of: slot) != pin.owner { agreed.move(slot, to: pin.owner) }
    agreed.forgetIdle()
    guard !agreed.primaries.isEmpty else {
      return table == nil ? [.explain("The nodes of the Redis Cluster know of no primary that has slots.")] : []
    }
    guard agreed != table else { return [] }
    table = agreed
    return [.adopt(agreed)]
  }

  private func explanation(_ round: Round) -> String {
    if let error = round.failure {
      return "No node of the Redis Cluster has told where the others are: \(error.message)"
    }
    return "No node of the Redis Cluster has told in time where the others are."
  }
}
