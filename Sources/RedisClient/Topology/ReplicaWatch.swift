internal import NIOCore
internal import RedisWire

/// Asks a server without witnesses again and again how many replicas it has. Confined to its event loop.
final class ReplicaWatch {
  /// How often.
  private static let interval = TimeAmount.seconds(2)

  private let eventLoop: any EventLoop
  private let link: CommandLinkReference
  private var timer: RepeatingTimer?

  init(eventLoop: any EventLoop, link: CommandLinkReference) {
    self.eventLoop = eventLoop
    self.link = link
  }

  func start() {
    timer = RepeatingTimer(on: eventLoop, every: Self.interval) { [link] in
      link.post(RedisCommand("ROLE")) { answer in
        guard case .success(let role) = answer, let count = RedisHandshake.replicas(role: role) else { return }
        link.place.replicas.reported(count, now: .now())
      }
    }
  }

  func stop() { timer?.cancel() }
}

/// A `ReplicaWatch` as other threads see it. Sendable: it touches the watch only on the watch's event loop.
struct ReplicaWatchReference: Sendable {
  private let eventLoop: any EventLoop
  private let watch: NIOLoopBoundBox<ReplicaWatch>

  init(_ watch: sending ReplicaWatch, on eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
    self.watch = NIOLoopBoundBox.makeBoxSendingValue(watch, eventLoop: eventLoop)
  }

  func start() { eventLoop.execute { watch.value.start() } }

  func stop() async { try? await eventLoop.submit { watch.value.stop() }.get() }
}
