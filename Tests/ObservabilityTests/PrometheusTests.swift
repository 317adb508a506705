import CoreMetrics
import Foundation
import Metrics
import Testing

@testable import Observability

@Suite struct PrometheusExpositionTests {
  private let registry = PrometheusRegistry(maximumSeriesPerMetric: 3)
  private var factory: PrometheusMetricsFactory { PrometheusMetricsFactory(registry: registry) }

  /// The sample lines about one metric.
  private func lines(_ prefix: String) -> [String] {
    registry.exposition().split(separator: "\n").map(String.init).filter { $0.hasPrefix(prefix) }
  }

  @Test func countersAreSummedPerLabels() {
    let ok = Counter(
      label: "tandem.http.requests", dimensions: [("status", "200"), ("method", "GET")], factory: factory)
    let same = Counter(
      label: "tandem.http.requests", dimensions: [("method", "GET"), ("status", "200")], factory: factory)
    ok.increment()
    same.increment(by: 4)
    Counter(label: "tandem.http.requests", dimensions: [("status", "404"), ("method", "GET")], factory: factory)
      .increment(by: 2)
    #expect(
      lines("tandem_http_requests_total") == [
        #"tandem_http_requests_total{method="GET",status="200"} 5"#,
        #"tandem_http_requests_total{method="GET",status="404"} 2"#,
      ])
    #expect(lines("# TYPE tandem_http_requests_total") == ["# TYPE tandem_http_requests_total counter"])
    #expect(
      lines("# HELP tandem_http_requests_total")
        == ["# HELP tandem_http_requests_total Requests answered, by route and class of status."])
  }

  @Test func countersDoNotStartAgainAtTheTopNorGoDown() {
    let handler = factory.makeCounter(label: "c", dimensions: [])
    for _ in 0..<3 { handler.increment(by: Int64.max) }
    handler.increment(by: -5)
    #expect(lines("c_total ") == ["c_total \(UInt64.max)"])
    handler.reset()
    #expect(lines("c_total ") == ["c_total 0"])
  }

  @Test func gaugesAreSetAndMoved() {
    let gauge = Gauge(label: "tandem.streams.open", factory: factory)
    gauge.record(7)
    #expect(lines("tandem_streams_open ") == ["tandem_streams_open 7"])
    let meter = Meter(label: "m", factory: factory)
    meter.set(2.5)
    meter.increment(by: 1)
    meter.decrement(by: 3)
    #expect(lines("m ") == ["m 0.5"])
  }

  @Test func timersBecomeHistogramsInSeconds() {
    let timer = Timer(label: "tandem.redis.command.duration", factory: factory)
    timer.recordMilliseconds(1)
    timer.recordMilliseconds(30)
    timer.recordSeconds(60)
    let found = lines("tandem_redis_command_duration_seconds")
    #expect(found.contains(#"tandem_redis_command_duration_seconds_bucket{le="0.0005"} 0"#))
    #expect(found.contains(#"tandem_redis_command_duration_seconds_bucket{le="0.001"} 1"#))
    #expect(found.contains(#"tandem_redis_command_duration_seconds_bucket{le="0.05"} 2"#))
    #expect(found.contains(#"tandem_redis_command_duration_seconds_bucket{le="10"} 2"#))
    #expect(found.contains(#"tandem_redis_command_duration_seconds_bucket{le="+Inf"} 3"#))
    #expect(found.contains("tandem_redis_command_duration_seconds_count 3"))
    #expect(found.contains("tandem_redis_command_duration_seconds_sum 60.031"))
  }

  @Test func whatIsNoNumberIsNotObserved() {
    let recorder = Recorder(label: "r", factory: factory)
    recorder.record(Double.nan)
    recorder.record(2)
    #expect(lines("r_count") == ["r_count 1"])
  }

  @Test func labelsCannotBreakTheFormat() {
    Counter(label: "9 bad-näme", dimensions: [("a-b", "x\"y\\z\nq"), ("le", "1"), ("__x", "2")], factory: factory)
      .increment()
    #expect(
      lines("_9_bad") == [#"_9_bad_n_me_total{a_b="x\"y\\z\nq",label___x="2",label_le="1"} 1"#])
  }

  @Test func tooManyCombinationsAreDroppedAndCounted() {
    for user in 0..<10 {
      Counter(label: "per.user", dimensions: [("user", "\(user)")], factory: factory).increment()
    }
    #expect(lines("per_user_total{").count == 3)
    #expect(lines("tandem_metrics_dropped_total ") == ["tandem_metrics_dropped_total 7"])
  }

  @Test func oneNameIsOfOneKind() {
    Gauge(label: "x_total", factory: factory).record(1)
    Counter(label: "x", factory: factory).increment()
    #expect(lines("x_total") == ["x_total 1"])
    #expect(lines("tandem_metrics_dropped_total ") == ["tandem_metrics_dropped_total 1"])
  }

  @Test func aDestroyedMetricIsGone() {
    let counter = Counter(label: "gone", factory: factory)
    counter.increment()
    counter.destroy()
    #expect(lines("gone_total").isEmpty)
    #expect(lines("# TYPE gone_total").isEmpty)
  }

  @Test func manyThreadsLoseNoCount() async {
    let factory = factory
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          let counter = Counter(label: "shared", factory: factory)
          let timer = Timer(label: "shared.time", factory: factory)
          for _ in 0..<1_000 {
            counter.increment()
            timer.recordMilliseconds(1)
          }
        }
      }
    }
    #expect(lines("shared_total ") == ["shared_total 8000"])
    #expect(lines("shared_time_count ") == ["shared_time_count 8000"])
  }

  @Test func bucketsAscend() {
    for buckets in [MetricDescription.secondBuckets, MetricDescription.sizeBuckets] {
      #expect(buckets == buckets.sorted())
      #expect(Set(buckets).count == buckets.count)
    }
  }

  @Test func everyMetricOfTheProgramIsDescribed() throws {
    let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Sources")
    let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
    var labels: Set<String> = []
    for case let file as URL in files where file.pathExtension == "swift" {
      let text = try String(contentsOf: file, encoding: .utf8)
      for match in text.matches(of: /(?:Counter|Gauge|Timer|Recorder|Meter|Level)\(\s*label: "(tandem[^"]+)"/) {
        labels.insert(String(match.1))
      }
    }
    #expect(labels.count > 20)
    for label in labels { #expect(MetricCatalog.description(of: label) != nil, "\(label)") }
  }
}
