public import CoreMetrics

/// Makes metrics whose values end up in a registry.
///
/// Timers and recorders become histograms with fixed buckets, so that they can be added up over nodes; recorders that do
/// not aggregate, and meters, become gauges.
///
/// Isolation: immutable; the registry guards itself.
public struct PrometheusMetricsFactory: MetricsFactory {
  /// Where the values are.
  public let registry: PrometheusRegistry

  /// A factory for `MetricsSystem.bootstrap`, or for a test's own scope.
  public init(registry: PrometheusRegistry) {
    self.registry = registry
  }

  /// A counter.
  public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    SeriesHandler(registry.series(label: label, dimensions: dimensions, kind: .counter))
  }

  /// A gauge.
  public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    SeriesHandler(registry.series(label: label, dimensions: dimensions, kind: .gauge))
  }

  /// A histogram when it aggregates, else a gauge.
  public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    SeriesHandler(registry.series(label: label, dimensions: dimensions, kind: aggregate ? .histogram : .gauge))
  }

  /// A histogram in seconds.
  public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    SeriesHandler(registry.series(label: label, dimensions: dimensions, kind: .histogram))
  }

  /// Takes its series out of the exposition.
  public func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
  /// Takes its series out of the exposition.
  public func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
  /// Takes its series out of the exposition.
  public func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
  /// Takes its series out of the exposition.
  public func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

  private func remove(_ handler: any AnyObject) {
    if let handler = handler as? SeriesHandler { registry.remove(handler.series) }
  }
}

/// Passes what is counted on to a series.
///
/// Isolation: immutable; the series guards itself.
private final class SeriesHandler: CounterHandler, MeterHandler, RecorderHandler, TimerHandler {
  let series: PrometheusSeries
  private let isGauge: Bool

  init(_ series: PrometheusSeries) {
    self.series = series
    if case .gauge = series.snapshot() { isGauge = true } else { isGauge = false }
  }

  func increment(by amount: Int64) {
    if isGauge { series.add(Double(amount)) } else { series.increment(by: amount) }
  }
  func increment(by amount: Double) { series.add(amount) }
  func decrement(by amount: Double) { series.add(-amount) }
  func set(_ value: Int64) { series.set(Double(value)) }
  func set(_ value: Double) { series.set(value) }
  func record(_ value: Int64) { record(Double(value)) }
  func record(_ value: Double) {
    if isGauge { series.set(value) } else { series.observe(value) }
  }
  func recordNanoseconds(_ duration: Int64) { series.observe(Double(duration) / 1e9) }
  func reset() { series.reset() }
}
