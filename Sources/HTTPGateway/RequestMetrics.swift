import HTTPTypes
import Metrics
import NIOCore

/// Counters and timers of requests, made once for each route so that answering one only adds numbers. Immutable.
struct RequestMetrics: Sendable {
  private struct OfRoute: Sendable {
    let duration: Timer
    /// By the first digit of the status.
    let classes: [Counter]

    init(_ name: String) {
      duration = Timer(label: "tandem.http.request.duration", dimensions: [("route", name)])
      classes = (1...5).map {
        Counter(label: "tandem.http.requests", dimensions: [("route", name), ("status", "\($0)xx")])
      }
    }
  }

  private let routes: [OfRoute]
  private let unknown = OfRoute("unknown")

  init(routes: [Route]) {
    self.routes = routes.map { OfRoute("\($0.method.rawValue) \($0.path)") }
  }

  /// A request was answered; streams are not counted here, their duration is the stream's life.
  func answered(route: Int?, status: Int, after duration: Duration) {
    let metrics = route.map { routes[$0] } ?? unknown
    metrics.duration.recordNanoseconds(TimeAmount(duration).nanoseconds)
    metrics.classes[min(4, max(0, status / 100 - 1))].increment()
  }
}
