internal import Logging
internal import NIOCore
internal import Synchronization

/// A cluster: every key and channel at the primary that has its slot. Immutable and Sendable; its parts guard themselves.
final class ClusterTopology: RedisTopology {
  private let configuration: RedisClientConfiguration
  private let nodes: ClusterNodes
  private let watch: ClusterWatchReference
  private let routes: ChannelRoutesReference
  private let late: LateNodes
  private let tags = SlotTags()

  /// - Throws: `RedisError` when the certificates to trust cannot be read.
  init(
    _ seeds: [RedisEndpoint], _ configuration: RedisClientConfiguration, group: any EventLoopGroup, logger: Logger,
    metrics: RedisMetrics
  ) throws(RedisError) {
    self.configuration = configuration
    let eventLoop = group.next()
    let watch = ClusterWatchReference(
      try ClusterWatch(
        eventLoop: eventLoop, seeds: seeds, configuration: configuration, logger: logger, metrics: metrics),
      on: eventLoop)
    self.watch = watch
    var template = try RedisConnector(configuration, place: RedisPlace(unknown: "No node was named."))
    template.onTrouble = { watch.look() }
    let connector = template
    let late = LateNodes()
    let routes = ChannelRoutesReference(
      ChannelRoutes(
        eventLoop: eventLoop, connector: connector, watch: watch, logger: logger, metrics: metrics,
        proof: { late.proof(of: $0, configuration, on: eventLoop) }),
      on: eventLoop)
    self.routes = routes
    let nodes = ClusterNodes { endpoint in
      let notice = DemotionNotice()
      notice.addListener { finding in
        routes.leave(endpoint, finding)
        watch.look()
      }
      var own = connector.connector(to: endpoint)
      own.onTrouble = {
        late.nodes.withLock { $0 }?.noteTrouble(endpoint)
        watch.look()
      }
      own.onShortfall = { watch.look() }
      return RedisNode(connector: own, group: group, notice: notice, logger: logger, metrics: metrics)
    }
    late.nodes.withLock { $0 = nodes }
    self.nodes = nodes
    self.late = late
  }

  /// The nodes, for what is made before them and needs them later. Sendable: behind a mutex.
  private final class LateNodes: Sendable {
    let nodes = Mutex<ClusterNodes?>(nil)
    private let tags = SlotTags()

    func proof(
      of endpoint: RedisEndpoint, _ configuration: RedisClientConfiguration, on eventLoop: any EventLoop
    ) -> SubscriptionProof? {
      guard configuration.provesSubscriptions else { return nil }
      return SubscriptionProof(
        channel: { [tags] in
          let table = self.nodes.withLock { $0 }?.table
          let tag = table.map { tags.tag(of: endpoint, $0) } ?? ""
          return "\(configuration.probePrefix):probe:{\(tag)}:\(UInt64.random(in: 0...UInt64.max))"
        }, link: { (try? self.nodes.withLock { $0 }?.node(at: endpoint))?.link(waits: false, on: eventLoop) })
    }
  }

  func start() throws(RedisError) {
    watch.start(
      onTable: { [nodes, routes] table in
        nodes.adopt(table)
        routes.adopt(table)
      },
      onReplicas: { [nodes] counts in nodes.told(replicas: counts) },
      onExplanation: { [nodes] reason in nodes.explain(reason) })
  }

  func stop() async {
    await watch.stop()
    await routes.stop()
    await nodes.stop()
    late.nodes.withLock { $0 = nil }
  }

  func link(
    forKey key: String?, waits: Bool, on eventLoop: any EventLoop
  ) throws(RedisError) -> CommandLinkReference {
    try nodes.owner(of: key.map(HashSlot.of)).link(waits: waits, on: eventLoop)
  }

  func subscribe(
    to channel: String, within limit: TimeAmount?, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
  ) async throws(RedisError) -> RedisSubscription {
    try await routes.subscribe(to: channel, within: limit, onEvent: onEvent)
  }

  func recover(
    from first: RedisError, _ request: RedisRequest, sentTo link: CommandLinkReference?, forKey key: String?,
    on eventLoop: any EventLoop
  ) async throws(RedisError) -> RedisValue {
    let deadline = eventLoop.now + TimeAmount(configuration.commandTimeout)
    var redirection = Redirection()
    var (error, link, request) = (first, link, request)
    while true {
      let step = redirection.next(after: error, jitter: .random(in: 0...1))
      if case .fail(let error) = step { throw error }
      guard eventLoop.now < deadline else { throw error }
      let next = try await follow(step, error, request, link, key, on: eventLoop)
      (link, request) = (next.link, next.request)
      do throws(RedisError) { return try await next.link.perform(next.request) } catch let failure { error = failure }
    }
  }

  /// Where to send a command next, and in which form.
  ///
  /// - Throws: the error, when there is nowhere else.
  private func follow(
    _ step: Redirection.Step, _ error: RedisError, _ request: RedisRequest, _ link: CommandLinkReference?,
    _ key: String?, on eventLoop: any EventLoop
  ) async throws(RedisError) -> (link: CommandLinkReference, request: RedisRequest) {
    let waits = request.waitsForReplicas
    switch step {
    case .fail: throw error
    case .moved(let slot, let host, let port):
      let owner = try endpoint(host, port, error, saidBy: link)
      watch.moved(slot, to: owner)
      return (try nodes.node(at: owner).link(waits: waits, on: eventLoop), request)
    case .ask(let host, let port):
      let target = try endpoint(host, port, error, saidBy: link)
      return (try nodes.node(at: target).link(waits: waits, on: eventLoop), request.asAsking)
    case .again(let pause):
      await wait(pause, on: eventLoop)
      guard let link else { throw error }
      return (link, request)
    case .owner(let pause):
      watch.look()
      await wait(pause, on: eventLoop)
      return (try self.link(forKey: key, waits: waits, on: eventLoop), request)
    case .newOwner:
      if link == nil {
        // Nothing is known of the cluster, or nobody has the slot: wait for that as one waits for a connection.
        let deadline = eventLoop.now + TimeAmount(configuration.connectionWait)
        while eventLoop.now < deadline {
          await nextRound(until: deadline, on: eventLoop)
          if let owner = try? self.link(forKey: key, waits: waits, on: eventLoop) { return (owner, request) }
          await wait(.milliseconds(20), on: eventLoop)
        }
        return (try self.link(forKey: key, waits: waits, on: eventLoop), request)
      }
      let owner = try self.link(forKey: key, waits: waits, on: eventLoop)
      guard let before = link?.place.endpoint, before != owner.place.endpoint else { throw error }
      return (owner, request)
    }
  }

  private func endpoint(
    _ host: String, _ port: Int, _ error: RedisError, saidBy link: CommandLinkReference?
  ) throws(RedisError) -> RedisEndpoint {
    guard let target = configuration.endpoint(host, port, saidBy: link?.place.endpoint) else { throw error }
    return target
  }

  private func wait(_ pause: TimeAmount, on eventLoop: any EventLoop) async {
    try? await eventLoop.scheduleTask(in: pause) {}.futureResult.get()
  }

  /// Waits for what the nodes say.
  private func nextRound(until deadline: NIODeadline, on eventLoop: any EventLoop) async {
    let done = eventLoop.makePromise(of: Result<Void, RedisError>.self)
    Task { [watch] in
      await watch.nextRound()
      done.succeed(.success(()))
    }
    _ = try? await eventLoop.answer(of: done, until: deadline)
  }

  // MARK: - Probes

  func probeNames(_ prefix: String) throws(RedisError) -> [String] {
    _ = try nodes.owner(of: nil)
    guard let table = nodes.table else { throw .shutDown }
    return table.primaries.shuffled().prefix(RedisHealth.sample).map { primary in
      "\(prefix):{\(tags.tag(of: primary, table))}:\(UInt64.random(in: 0...UInt64.max))"
    }
  }
}

extension RedisClientConfiguration {
  /// Where a node is that another one names.
  ///
  /// - Parameter host: empty when it is the host of the node that names it.
  func endpoint(_ host: String, _ port: Int, saidBy node: RedisEndpoint?) -> RedisEndpoint? {
    guard host.isEmpty || host == "?" else {
      let told = RedisEndpoint.host(host, port: port)
      return reachedAt[told] ?? told
    }
    guard case .host(let own, _) = node else { return nil }
    return .host(own, port: port)
  }

  func endpoint(of target: RedirectTarget, saidBy node: RedisEndpoint) -> RedisEndpoint? {
    endpoint(target.host, target.port, saidBy: node)
  }
}
