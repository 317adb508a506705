internal import Logging
internal import NIOCore
internal import RedisWire

/// Listens to one Sentinel for the switch of a primary. Confined to its event loop.
///
/// It is only there to be fast: a Sentinel that goes silent with a healthy connection costs no more than the time until the
/// next look.
final class SentinelNews {
  private static let channel = "+switch-master"

  private let reconnector: Reconnector<SubscriberConnection>
  private let eventLoop: any EventLoop
  private let interval: TimeAmount
  private let name: String
  private let onNews: () -> Void
  private var probe: RepeatingTimer?
  private var misses = 0

  /// - Parameter onNews: called when there may be another primary: a switch was told, or one may have been missed.
  init(
    of name: String, connector: RedisConnector, on eventLoop: any EventLoop, logger: Logger, metrics: RedisMetrics,
    onNews: @escaping () -> Void
  ) {
    self.name = name
    self.eventLoop = eventLoop
    self.onNews = onNews
    interval = TimeAmount(connector.configuration.probeInterval)
    reconnector = Reconnector(eventLoop: eventLoop, connector: connector, logger: logger, metrics: metrics) { _ in
      SubscriberConnection(maximumReplyBytes: 64 << 10)
    }
  }

  func start() {
    // Cycles on purpose, until `stop()`.
    reconnector.onConnected = { connection in
      self.misses = 0
      connection.onReply = { reply in self.receive(reply) }
      connection.send(RedisCommand("SUBSCRIBE", .string(Self.channel)))
    }
    probe = RepeatingTimer(on: eventLoop, every: interval) { self.checkConnection() }
    reconnector.start()
  }

  func stop() -> EventLoopFuture<Void> {
    probe?.cancel()
    let stopped = reconnector.stop()
    reconnector.onConnected = { _ in }
    return stopped
  }

  private func receive(_ reply: RedisValue) {
    misses = 0
    guard let parts = reply.array, let kind = parts.first?.string else { return }
    switch kind {
    case "subscribe": onNews()
    // The name, then the old address and the new one; the new one is believed when enough of them say so.
    case "message" where parts.last?.string?.hasPrefix(name + " ") == true: onNews()
    default: break
    }
  }

  private func checkConnection() {
    guard let connection = reconnector.connection else { return }
    misses += 1
    guard misses <= 2 else {
      connection.end(
        RedisError(code: .connectionLost, message: "The Sentinel missed two probes in a row.", mayHaveRun: false))
      return
    }
    connection.send(RedisCommand("PING"))
  }
}
