import Metrics

/// What is counted about connections. Immutable.
struct ConnectionMetrics: Sendable {
  private let open = Meter(label: "tandem.http.connections.open")
  private let timeouts = Counter(label: "tandem.http.connections.timed_out")

  func opened() { open.increment() }
  func closed() { open.decrement() }
  func timedOut() { timeouts.increment() }

  func refused(_ failure: RequestFailure) {
    Counter(label: "tandem.http.requests.refused", dimensions: [("reason", "\(failure)")]).increment()
  }
}
