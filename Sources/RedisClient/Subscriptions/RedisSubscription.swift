public import NIOCore

/// What a subscription tells its owner, in order, on the subscriber connection's event loop.
public enum RedisSubscriptionEvent: Sendable, Hashable {
  /// A message that was published on the channel.
  case message(ByteBuffer)
  /// The subscription is down; messages published from now on are lost until `restored`.
  case interrupted
  /// The subscription works again. Messages may have been missed: repair from what Redis keeps.
  case restored
}

/// A hold on one channel; the client keeps the channel subscribed while at least one hold on it exists.
///
/// Immutable and Sendable. Dropping the value does not end it: call `cancel()`, once or more often.
public struct RedisSubscription: Sendable {
  /// The channel's name.
  public let channel: String
  let id: Int
  let onCancel: @Sendable () -> Void

  /// Ends the hold. No event is delivered after the subscriber's event loop has seen the call; further calls do nothing.
  public func cancel() { onCancel() }
}
