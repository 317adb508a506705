internal import NIOCore

/// Who the primary is, by what the Sentinels say. A value: it takes what happens and says what to do.
///
/// All Sentinels are asked at once. A majority of all of them decides at once; otherwise, when all have answered or
/// the time is over, a majority of those that answered. Without one, what is known stays. Whether the server named is the primary
/// is for its connections to find out, with `ROLE`.
struct SentinelView {
  /// What a Sentinel said.
  enum Answer: Hashable {
    /// And its replicas, when that was asked for and told.
    case primary(RedisEndpoint, ReplicaCount? = nil)
    /// It knows no primary of that name.
    case unknown
    /// Nothing, and why.
    case nothing(String)
  }

  enum Action: Equatable {
    /// Ask every Sentinel; answers name the round they belong to.
    case ask(round: Int)
    /// Wake this at a time, instead of at the one said before.
    case wake(at: NIODeadline)
    /// The primary is here now.
    case move(to: RedisEndpoint)
    /// The primary has that many replicas that are up.
    case replicas(Int)
    /// There is no primary to go to, because of this.
    case explain(String)
  }

  /// How often to ask while a replica is missing.
  static let closeLook = TimeAmount.seconds(1)

  private let name: String
  private let count: Int
  private let interval: TimeAmount
  /// The shortest time between two rounds, however many reasons there are to ask.
  private let pause: TimeAmount
  /// Where the primary is; nil until it was found.
  private(set) var primary: RedisEndpoint?
  private var replicas: Int?
  private var round = 0
  /// By Sentinel, of the round under way; nil while resting.
  private var answers: [Answer?]?
  private var asksAgain = false
  private var restsUntil = NIODeadline.distantPast
  /// Rounds in a row that decided nothing.
  private var fruitless = 0

  /// - Parameters:
  ///   - name: what the Sentinels call the primary.
  ///   - count: how many Sentinels there are.
  ///   - interval: how often to ask without a reason.
  ///   - pause: the shortest time between two rounds.
  init(name: String, count: Int, interval: TimeAmount, pause: TimeAmount = .milliseconds(200)) {
    self.name = name
    self.count = count
    self.interval = interval
    self.pause = pause
  }

  /// There is a reason to look: the start, a failed connection, a server that is no primary, news of a switch.
  mutating func look(now: NIODeadline) -> [Action] {
    if answers != nil {
      // What is being said may be older than the reason.
      asksAgain = true
      return []
    }
    return now >= restsUntil ? begin() : [.wake(at: restsUntil)]
  }

  /// The time said with `wake` has come.
  mutating func wake(now: NIODeadline) -> [Action] { answers == nil ? begin() : [] }

  /// A Sentinel has answered, or failed to.
  mutating func answered(_ sentinel: Int, round: Int, _ answer: Answer, now: NIODeadline) -> [Action] {
    guard round == self.round, var answers, answers[sentinel] == nil else { return [] }
    answers[sentinel] = answer
    self.answers = answers
    let isDecided = Self.majority(answers, of: count) != nil
    return isDecided || !answers.contains(nil) ? end(answers, now: now) : []
  }

  /// A round has taken long enough.
  mutating func timedOut(round: Int, now: NIODeadline) -> [Action] {
    guard round == self.round, let answers else { return [] }
    return end(answers, now: now)
  }

  private mutating func begin() -> [Action] {
    round += 1
    answers = Array(repeating: nil, count: count)
    asksAgain = false
    return [.ask(round: round)]
  }

  private mutating func end(_ answers: [Answer?], now: NIODeadline) -> [Action] {
    self.answers = nil
    let voices = answers.filter { if case .primary = $0 { true } else { false } }.count
    let decision = Self.majority(answers, of: voices)
    fruitless = decision == nil ? min(fruitless + 1, 6) : 0
    // Longer and longer while nothing is decided, but never as long as in quiet times.
    restsUntil = now + min(pause * (1 << max(fruitless - 1, 0)), interval)
    let next = asksAgain || decision == nil ? restsUntil : now + interval
    guard let decision else { return [.explain(explanation(answers)), .wake(at: next)] }
    var actions: [Action] = []
    if decision != primary {
      primary = decision
      replicas = nil
      actions.append(.move(to: decision))
    }
    let counts = answers.compactMap { if case .primary(decision, let count) = $0 { count } else { nil } }
    if let up = ReplicaCount.agreed(counts.map(\.up)), up != replicas {
      replicas = up
      actions.append(.replicas(up))
    }
    // One that is missing is waited for more closely: until it is counted again, others confirm writes without it.
    let isWhole = counts.allSatisfy { $0.down == 0 }
    return actions + [.wake(at: isWhole ? next : min(next, max(restsUntil, now + Self.closeLook)))]
  }

  private static func majority(_ answers: [Answer?], of total: Int) -> RedisEndpoint? {
    var votes: [RedisEndpoint: Int] = [:]
    for case .primary(let endpoint, _) in answers { votes[endpoint, default: 0] += 1 }
    return votes.first { $0.value * 2 > total }?.key
  }

  private func explanation(_ answers: [Answer?]) -> String {
    if answers.contains(where: { if case .primary = $0 { true } else { false } }) {
      return "The Sentinels do not agree on who the primary \"\(name)\" is."
    }
    if answers.contains(.unknown) { return "The Sentinels know no primary named \"\(name)\"." }
    for case .nothing(let reason) in answers { return "No Sentinel has said who the primary \"\(name)\" is: \(reason)" }
    return "No Sentinel has said in time who the primary \"\(name)\" is."
  }
}
