internal import NIOCore

/// What keeps channels subscribed for those who listen: one connection's subscriber, or a cluster's routes to several of them.
/// Confined to its event loop.
protocol ChannelListening: AnyObject, SendableMetatype {
  /// Adds a listener and answers its id; `acknowledgement` succeeds when Redis has the subscription, or fails after `limit`.
  func add(
    channel: String, within limit: TimeAmount?, acknowledgement: EventLoopPromise<Void>,
    onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
  ) -> Int

  /// Takes a listener away; it hears nothing from now on.
  func remove(id: Int)
}

extension NIOLoopBoundBox where Value: ChannelListening {
  /// Listens to a channel, from any thread.
  ///
  /// - Throws: what the acknowledgement failed with; `shutDown` when the event loop itself is.
  func subscribe(
    to channel: String, within limit: TimeAmount?, on eventLoop: any EventLoop,
    onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
  ) async throws(RedisError) -> RedisSubscription {
    let acknowledgement = eventLoop.makePromise(of: Void.self)
    do {
      let id = try await eventLoop.submit {
        self.value.add(channel: channel, within: limit, acknowledgement: acknowledgement, onEvent: onEvent)
      }.get()
      try await acknowledgement.futureResult.get()
      return RedisSubscription(channel: channel, id: id, onCancel: { self.cancel(id, on: eventLoop) })
    } catch let error as RedisError {
      throw error
    } catch {
      throw .shutDown
    }
  }

  private func cancel(_ id: Int, on eventLoop: any EventLoop) {
    if eventLoop.inEventLoop {
      value.remove(id: id)
    } else {
      eventLoop.execute { self.value.remove(id: id) }
    }
  }
}
