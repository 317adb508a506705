internal import DequeModule
internal import NIOCore
internal import RedisWire

/// Which channels are subscribed for whom on the subscriber connection. A value.
///
/// Subscriptions are counted per channel: the first hold sends SSUBSCRIBE, the last to go sends SUNSUBSCRIBE. Replies come in
/// the order of the commands, except messages and an unsolicited `sunsubscribe` (a slot moved away), which come at any time.
/// Generic over the listener, so that tests use strings.
struct SubscriberStateMachine<Listener> {
  /// What the driver has to do, in this order.
  enum Action {
    case subscribe(channel: String)
    case unsubscribe(channel: String)
    case ping
    /// Publish a number on the connection's own channel, and report when Redis has taken it.
    case prove(channel: String, token: Int)
    /// The listener's `subscribe` call may return.
    case acknowledge(Listener)
    /// The listener's `subscribe` call failed; it has no hold any more.
    case reject(Listener, RedisError)
    case notify(Listener, RedisSubscriptionEvent)
    /// Another node of the cluster has a channel that was subscribed here.
    case moved(channel: String, RedisError)
    /// The connection cannot be used on.
    case close(RedisError)
  }

  private struct Hold {
    let id: Int
    let listener: Listener
    /// Whether its `subscribe` call has returned; only then does it hear events.
    var isAcknowledged: Bool
    var isInterrupted = false
  }

  private struct Channel {
    var holds: [Hold] = []
    /// Whether Redis delivers the channel's messages on this connection.
    var isActive = false
    /// The latest SSUBSCRIBE under way: only its answer counts.
    var pending: Int?
  }

  private enum Expected {
    case subscribed(channel: String, number: Int)
    case unsubscribed(channel: String)
    case pong
  }

  private let maximumChannels: Int
  /// How the connection proves that Redis delivers; nil before it begins to.
  private var proof: DeliveryProof?
  private var channels: [String: Channel] = [:]
  private var channelOfHold: [Int: String] = [:]
  private var expected: Deque<Expected> = []
  private var isConnected = false
  private var nextNumber = 0
  private var awaitsPong = false
  private var misses = 0

  init(maximumChannels: Int) { self.maximumChannels = maximumChannels }

  /// Distinct channels with a hold.
  var channelCount: Int { channels.count }

  /// A listener asks for a channel.
  mutating func add(_ listener: Listener, id: Int, channel name: String) -> [Action] {
    guard channels[name] != nil || channels.count < maximumChannels else {
      let message = "No more than \(maximumChannels) channels can be subscribed at once."
      return [.reject(listener, RedisError(code: .overloaded, message: message, mayHaveRun: false))]
    }
    channelOfHold[id] = name
    let isActive = channels[name]?.isActive == true
    channels[name, default: Channel()].holds.append(Hold(id: id, listener: listener, isAcknowledged: isActive))
    if isActive { return [.acknowledge(listener)] }
    guard isConnected, channels[name]?.pending == nil else { return [] }
    return [subscribe(name)]
  }

  /// A listener lets go, or its `subscribe` call is given up.
  mutating func remove(id: Int) -> [Action] {
    guard let name = channelOfHold.removeValue(forKey: id) else { return [] }
    channels[name]?.holds.removeAll { $0.id == id }
    return unsubscribeIfUnused(name)
  }

  /// A listener's `subscribe` call has waited long enough.
  mutating func expire(id: Int, _ error: RedisError) -> [Action] {
    guard let name = channelOfHold[id], let hold = channels[name]?.holds.first(where: { $0.id == id }),
      !hold.isAcknowledged
    else { return [] }
    return [.reject(hold.listener, error)] + remove(id: id)
  }

  /// A fresh connection is ready.
  mutating func connected() -> [Action] {
    isConnected = true
    proof = nil
    expected.removeAll()
    awaitsPong = false
    misses = 0
    return channels.keys.map { subscribe($0) }
  }

  /// The connection is gone.
  mutating func disconnected() -> [Action] {
    isConnected = false
    proof = nil
    expected.removeAll()
    return channels.keys.flatMap { interrupt($0) }
  }

  /// The client is shut down: nobody gets an answer any more.
  mutating func stop(_ error: RedisError) -> [Action] {
    let waiting = channels.values.flatMap(\.holds).filter { !$0.isAcknowledged }
    let actions = disconnected()
    channels.removeAll()
    channelOfHold.removeAll()
    return waiting.map { .reject($0.listener, error) } + actions
  }

  /// The interval of the probe has passed: sends a PING, or finds that two in a row were missed.
  ///
  /// - Parameter own: the channel to prove the connection with, when it is to be proved and has none yet.
  mutating func tick(proof own: String? = nil) -> [Action] {
    guard isConnected else { return [] }
    if awaitsPong {
      misses += 1
      guard misses < 2 else {
        let message = "The subscriber connection missed two probes in a row."
        return [.close(RedisError(code: .connectionLost, message: message, mayHaveRun: true))]
      }
    }
    awaitsPong = true
    expected.append(.pong)
    // A channel that Redis refused is asked for again: the reason may be gone.
    let refused = channels.filter { !$0.value.isActive && $0.value.pending == nil }.map(\.key)
    return [.ping] + refused.map { subscribe($0) } + prove(own)
  }

  /// Redis has taken what `prove` asked to be published.
  mutating func published(_ channel: String, token: Int) {
    if proof?.channel == channel { proof?.published(token) }
  }

  private mutating func prove(_ own: String?) -> [Action] {
    if let channel = proof?.channel {
      guard let token = proof?.next() else { return [] }
      return [.prove(channel: channel, token: token)]
    }
    guard let own, !channels.isEmpty else { return [] }
    proof = DeliveryProof(channel: own)
    nextNumber += 1
    expected.append(.subscribed(channel: own, number: nextNumber))
    return [.subscribe(channel: own)]
  }

  /// Takes what Redis sent.
  mutating func receive(_ reply: RedisValue) -> [Action] {
    misses = 0
    awaitsPong = false
    switch reply {
    case .status("PONG"): return receivedPong()
    case .error(let message): return receivedError(message)
    case .oversized: return missedMessage()
    case .array(let parts):
      guard parts.count >= 2, let kind = parts[0].string else { break }
      if kind == "pong" { return receivedPong() }
      guard let name = parts[1].string, parts.count == 3 else { break }
      switch kind {
      case "smessage": return received(parts[2], on: name)
      case "ssubscribe": return subscribed(name)
      case "sunsubscribe": return unsubscribed(name)
      default: break
      }
    default: break
    }
    return outOfStep(reply)
  }

  // MARK: - Replies

  private mutating func received(_ payload: RedisValue, on name: String) -> [Action] {
    guard let bytes = payload.bytes else { return outOfStep(payload) }
    if name == proof?.channel {
      proof?.hear(payload.integer)
      return []
    }
    guard let channel = channels[name], channel.isActive else { return [] }
    return channel.holds.map { .notify($0.listener, .message(bytes)) }
  }

  /// A message was too large to be kept, and with it went the name of its channel: everybody may have missed it.
  private func missedMessage() -> [Action] {
    channels.values.filter(\.isActive).flatMap(\.holds).flatMap { hold in
      [.notify(hold.listener, .interrupted), .notify(hold.listener, .restored)]
    }
  }

  private mutating func receivedPong() -> [Action] {
    guard case .pong = expected.popFirst() else { return outOfStep(.status("PONG")) }
    guard proof?.isMissing == true else { return [] }
    let message = "The subscriber connection answers and delivers no messages."
    return [.close(RedisError(code: .connectionLost, message: message, mayHaveRun: true))]
  }

  private mutating func subscribed(_ name: String) -> [Action] {
    guard case .subscribed(name, let number) = expected.popFirst() else { return outOfStep(.status(name)) }
    if name == proof?.channel { proof?.isActive = true }
    guard channels[name]?.pending == number else { return [] }
    var actions: [Action] = []
    mutate(name) { channel in
      channel.pending = nil
      channel.isActive = true
      for index in channel.holds.indices {
        let hold = channel.holds[index]
        if !hold.isAcknowledged {
          actions.append(.acknowledge(hold.listener))
        } else if hold.isInterrupted {
          actions.append(.notify(hold.listener, .restored))
        }
        channel.holds[index].isAcknowledged = true
        channel.holds[index].isInterrupted = false
      }
    }
    return actions
  }

  private mutating func unsubscribed(_ name: String) -> [Action] {
    if case .unsubscribed(name) = expected.first {
      expected.removeFirst()
      return []
    }
    if name == proof?.channel { proof = nil }
    // Unsolicited. With an SSUBSCRIBE under way its answer decides.
    guard let channel = channels[name], channel.isActive else { return [] }
    return interrupt(name) + [subscribe(name)]
  }

  private mutating func receivedError(_ message: String) -> [Action] {
    switch expected.popFirst() {
    case nil: return outOfStep(.error(message))
    case .pong, .unsubscribed: return []
    case .subscribed(let name, let number):
      if name == proof?.channel { proof = nil }
      guard let channel = channels[name], channel.pending == number else { return [] }
      var actions: [Action] = []
      for hold in channel.holds where !hold.isAcknowledged {
        actions.append(.reject(hold.listener, .server(message)))
        channelOfHold[hold.id] = nil
      }
      mutate(name) { channel in
        channel.pending = nil
        channel.holds.removeAll { !$0.isAcknowledged }
      }
      if channels[name]?.holds.isEmpty == true {
        channels[name] = nil
      } else if message.hasPrefix("MOVED ") {
        actions.append(.moved(channel: name, .server(message)))
      }
      return actions
    }
  }

  private func outOfStep(_ reply: RedisValue) -> [Action] {
    let message = "Redis sent \(reply.kindDescription) out of step on the subscriber connection."
    return [.close(RedisError(code: .protocolViolation, message: message, mayHaveRun: true))]
  }

  // MARK: - Channels

  private mutating func subscribe(_ name: String) -> Action {
    nextNumber += 1
    expected.append(.subscribed(channel: name, number: nextNumber))
    channels[name]?.pending = nextNumber
    return .subscribe(channel: name)
  }

  private mutating func unsubscribeIfUnused(_ name: String) -> [Action] {
    guard let channel = channels[name], channel.holds.isEmpty else { return [] }
    channels[name] = nil
    guard isConnected, channel.isActive || channel.pending != nil else { return [] }
    expected.append(.unsubscribed(channel: name))
    return [.unsubscribe(channel: name)]
  }

  /// Redis no longer delivers the channel: everybody who was promised its messages hears of it, once.
  private mutating func interrupt(_ name: String) -> [Action] {
    var actions: [Action] = []
    mutate(name) { channel in
      channel.isActive = false
      channel.pending = nil
      for index in channel.holds.indices
      where channel.holds[index].isAcknowledged && !channel.holds[index].isInterrupted {
        channel.holds[index].isInterrupted = true
        actions.append(.notify(channel.holds[index].listener, .interrupted))
      }
    }
    return actions
  }

  private mutating func mutate(_ name: String, _ body: (inout Channel) -> Void) {
    guard var channel = channels.removeValue(forKey: name) else { return }
    body(&channel)
    channels[name] = channel
  }
}
