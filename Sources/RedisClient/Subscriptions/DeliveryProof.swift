/// Whether a connection that answers also delivers: numbers are published on a channel of its own, and must come back. A value.
///
/// Redis writes a message to its listeners before it tells the publisher. So a number that Redis had taken when a PING was
/// written must be here before the answer to that PING is; no time has to be guessed.
struct DeliveryProof {
  /// The connection's own channel.
  let channel: String
  /// Whether it is subscribed.
  var isActive = false
  /// The latest number that was to be published.
  private var asked = 0
  /// The latest one that Redis has taken.
  private var taken = 0
  /// The latest one that arrived.
  private var heard = 0
  /// The latest one that must arrive before the answer to the PING under way.
  private var checked = 0

  init(channel: String) { self.channel = channel }

  /// A PING is being written.
  ///
  /// - Returns: the number to publish next; nil while the channel is not subscribed.
  mutating func next() -> Int? {
    guard isActive else { return nil }
    checked = taken
    asked += 1
    return asked
  }

  /// Redis has taken a number.
  mutating func published(_ number: Int) { taken = max(taken, number) }

  /// A number arrived.
  mutating func hear(_ number: Int?) { heard = max(heard, number ?? 0) }

  /// Whether, now that the PING is answered, a number is missing.
  var isMissing: Bool { heard < checked }
}
