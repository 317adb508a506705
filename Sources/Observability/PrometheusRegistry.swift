import Synchronization

/// All metrics of a process, and their text for Prometheus.
///
/// Isolation: a mutex around the tables; each metric's value has a mutex of its own, so that counting in one place
/// never waits for counting in another, nor for a scrape for longer than copying one value takes.
public final class PrometheusRegistry: Sendable {
  /// What identifies a series.
  struct Key: Hashable, Sendable {
    let name: String
    let labels: [PrometheusLabel]
  }

  /// One metric's series, all of one kind.
  struct Family: Sendable {
    let kind: PrometheusKind
    let help: String
    let buckets: [Double]
    var series: [[PrometheusLabel]: PrometheusSeries] = [:]
  }

  private struct State {
    var families: [String: Family] = [:]
    var dropped = 0
  }

  private let state = Mutex(State())
  private let maximumSeries: Int

  /// An empty registry.
  ///
  /// - Parameter maximumSeriesPerMetric: Combinations of labels kept for one metric; what goes beyond is dropped and
  ///   counted, because one series per user or session would fill the memory here and in Prometheus.
  public init(maximumSeriesPerMetric: Int = 500) {
    maximumSeries = maximumSeriesPerMetric
  }

  /// The series for a metric, made when missing. Beyond the bound, or when the name is taken by a metric of another
  /// kind, a series that is never shown.
  func series(label: String, dimensions: [(String, String)], kind: PrometheusKind) -> PrometheusSeries {
    let labels = PrometheusLabel.sanitized(dimensions)
    let name = PrometheusName.metric(label, kind: kind)
    return state.withLock { state in
      let description = MetricCatalog.description(of: label)
      var family =
        state.families[name]
        ?? Family(
          kind: kind, help: description?.help ?? label, buckets: description?.buckets ?? MetricDescription.secondBuckets
        )
      if let existing = family.series[labels], family.kind == kind { return existing }
      let series = PrometheusSeries(kind: kind, buckets: family.buckets)
      guard family.kind == kind, family.series.count < maximumSeries else {
        state.dropped += 1
        return series
      }
      family.series[labels] = series
      state.families[name] = family
      return series
    }
  }

  /// Removes a series, so that a metric that was destroyed is no longer shown.
  func remove(_ series: PrometheusSeries) {
    state.withLock { state in
      for (name, family) in state.families {
        guard let labels = family.series.first(where: { $0.value === series })?.key else { continue }
        state.families[name]?.series[labels] = nil
        return
      }
    }
  }

  /// Everything in the text format of Prometheus, version 0.0.4; names and labels in ascending order.
  public func exposition() -> String {
    let (families, dropped) = state.withLock { ($0.families, $0.dropped) }
    var text = PrometheusText()
    for (name, family) in families.sorted(by: { $0.key < $1.key }) where !family.series.isEmpty {
      text.begin(name, family)
      let ordered = family.series.sorted { left, right in
        left.key.lexicographicallyPrecedes(right.key) { ($0.name, $0.value) < ($1.name, $1.value) }
      }
      for (labels, series) in ordered { text.add(name, labels, series.snapshot()) }
    }
    text.addDropped(dropped)
    return text.text
  }
}
