internal import NIOCore

/// Which shard channels are subscribed at which primary, for whom. A value.
///
/// Each channel is subscribed once, at whoever has its slot; when that changes, it is subscribed anew over there and everybody
/// who was promised its messages is told that some may be missing. Generic over the listener, so that tests use strings.
struct ChannelRoutesStateMachine<Listener> {
  /// What the driver has to do, in this order.
  enum Action {
    /// Subscribe at this primary, and report with the number.
    case attach(channel: String, to: RedisEndpoint, attempt: Int)
    /// Give up what that attempt has begun.
    case detach(channel: String, attempt: Int)
    /// Ask for it again after a pause.
    case retry(channel: String, attempt: Int, after: TimeAmount)
    /// The cluster must be asked who has what.
    case look
    /// The listener's `subscribe` call may return.
    case acknowledge(Listener)
    /// The listener's `subscribe` call failed; it has no hold any more.
    case reject(Listener, RedisError)
    case notify(Listener, RedisSubscriptionEvent)
  }

  private struct Hold {
    let id: Int
    let listener: Listener
    var isAcknowledged: Bool
    var isInterrupted = false
  }

  private struct Channel {
    let slot: Int
    var holds: [Hold] = []
    /// Where it is subscribed, or about to be.
    var place: RedisEndpoint?
    /// The latest attempt; what is reported of an earlier one is of no use.
    var attempt = 0
    var isActive = false
    /// Attempts that failed in a row.
    var failures = 0
  }

  private let maximumChannels: Int
  private var table: SlotTable?
  private var channels: [String: Channel] = [:]
  private var channelOfHold: [Int: String] = [:]
  private var nextAttempt = 0

  init(maximumChannels: Int) { self.maximumChannels = maximumChannels }

  /// A listener asks for a channel.
  mutating func add(_ listener: Listener, id: Int, channel name: String) -> [Action] {
    guard channels[name] != nil || channels.count < maximumChannels else {
      let message = "No more than \(maximumChannels) channels can be subscribed at once."
      return [.reject(listener, RedisError(code: .overloaded, message: message, mayHaveRun: false))]
    }
    channelOfHold[id] = name
    if channels[name] == nil { channels[name] = Channel(slot: HashSlot.of(name)) }
    let isActive = channels[name]?.isActive == true
    let isFirst = channels[name]?.holds.isEmpty == true
    channels[name]?.holds.append(Hold(id: id, listener: listener, isAcknowledged: isActive))
    if isActive { return [.acknowledge(listener)] }
    return isFirst ? locate(name) : []
  }

  /// A listener lets go, or its `subscribe` call is given up.
  mutating func remove(id: Int) -> [Action] {
    guard let name = channelOfHold.removeValue(forKey: id), var channel = channels[name] else { return [] }
    channel.holds.removeAll { $0.id == id }
    channels[name] = channel.holds.isEmpty ? nil : channel
    guard channel.holds.isEmpty, channel.place != nil else { return [] }
    return [.detach(channel: name, attempt: channel.attempt)]
  }

  /// A listener's `subscribe` call has waited long enough.
  mutating func expire(id: Int, _ error: RedisError) -> [Action] {
    guard let name = channelOfHold[id], let hold = channels[name]?.holds.first(where: { $0.id == id }),
      !hold.isAcknowledged
    else { return [] }
    return [.reject(hold.listener, error)] + remove(id: id)
  }

  /// The slots are spread like this now.
  mutating func adopt(_ table: SlotTable) -> [Action] {
    self.table = table
    var actions: [Action] = []
    for (name, channel) in channels where channel.place == nil || table.owner(of: channel.slot) != channel.place {
      // Without an owner it stays where it is: nobody else has the messages.
      guard table.owner(of: channel.slot) != nil else { continue }
      actions += leave(name) + locate(name)
    }
    return actions
  }

  /// The primary has acknowledged an attempt: what is published from now on arrives.
  mutating func attached(_ name: String, attempt: Int) -> [Action] {
    guard isCurrent(name, attempt) else { return [] }
    channels[name]?.failures = 0
    return activate(name)
  }

  /// The primary has refused an attempt, or a subscription that it had, or did not answer.
  mutating func refused(_ name: String, attempt: Int, _ error: RedisError) -> [Action] {
    guard isCurrent(name, attempt), let channel = channels[name] else { return [] }
    var actions: [Action] = leave(name)
    // Refusals that another primary, or the same one a moment later, would not repeat.
    let isPassing = ["MOVED", "CLUSTERDOWN", "TRYAGAIN", "LOADING", nil].contains(error.serverErrorPrefix)
    if !isPassing || error.code == .overloaded {
      for hold in channel.holds where !hold.isAcknowledged {
        actions.append(.reject(hold.listener, error))
        channelOfHold[hold.id] = nil
      }
      channels[name]?.holds.removeAll { !$0.isAcknowledged }
      if channels[name]?.holds.isEmpty == true {
        channels[name] = nil
        return actions
      }
    }
    channels[name]?.failures = min(channel.failures + 1, 6)
    let pause = TimeAmount.milliseconds(50) * (1 << channel.failures)
    nextAttempt += 1
    channels[name]?.attempt = nextAttempt
    return actions + [.look, .retry(channel: name, attempt: nextAttempt, after: pause)]
  }

  /// The pause of a `retry` is over.
  mutating func retry(_ name: String, attempt: Int) -> [Action] {
    guard isCurrent(name, attempt), channels[name]?.place == nil else { return [] }
    return locate(name)
  }

  /// Something came on the channel.
  mutating func received(_ event: RedisSubscriptionEvent, on name: String, attempt: Int) -> [Action] {
    guard isCurrent(name, attempt), let channel = channels[name] else { return [] }
    switch event {
    case .message:
      guard channel.isActive else { return [] }
      return channel.holds.filter(\.isAcknowledged).map { .notify($0.listener, event) }
    case .interrupted: return interrupt(name)
    case .restored: return activate(name)
    }
  }

  /// The client is shut down: nobody gets an answer any more.
  mutating func stop(_ error: RedisError) -> [Action] {
    var actions: [Action] = []
    for name in channels.keys {
      for hold in channels[name]?.holds ?? [] where !hold.isAcknowledged {
        actions.append(.reject(hold.listener, error))
      }
      actions += interrupt(name)
    }
    channels.removeAll()
    channelOfHold.removeAll()
    return actions
  }

  // MARK: - One channel

  private func isCurrent(_ name: String, _ attempt: Int) -> Bool { channels[name]?.attempt == attempt }

  private mutating func locate(_ name: String) -> [Action] {
    guard let channel = channels[name], channel.place == nil else { return [] }
    guard let owner = table?.owner(of: channel.slot) else { return [.look] }
    nextAttempt += 1
    channels[name]?.attempt = nextAttempt
    channels[name]?.place = owner
    return [.attach(channel: name, to: owner, attempt: nextAttempt)]
  }

  private mutating func leave(_ name: String) -> [Action] {
    guard let channel = channels[name], channel.place != nil else { return [] }
    channels[name]?.place = nil
    return interrupt(name) + [.detach(channel: name, attempt: channel.attempt)]
  }

  private mutating func activate(_ name: String) -> [Action] {
    guard var channel = channels.removeValue(forKey: name) else { return [] }
    var actions: [Action] = []
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
    channels[name] = channel
    return actions
  }

  private mutating func interrupt(_ name: String) -> [Action] {
    guard var channel = channels.removeValue(forKey: name) else { return [] }
    var actions: [Action] = []
    channel.isActive = false
    for index in channel.holds.indices
    where channel.holds[index].isAcknowledged && !channel.holds[index].isInterrupted {
      channel.holds[index].isInterrupted = true
      actions.append(.notify(channel.holds[index].listener, .interrupted))
    }
    channels[name] = channel
    return actions
  }
}
