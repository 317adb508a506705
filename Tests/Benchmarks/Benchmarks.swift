import ArgumentParser

/// Measures what performance.md promises, each figure beside a bound measured in the same run.
///
/// Built only when `TANDEM_BENCHMARKS` is set, and meant for release builds:
/// `TANDEM_BENCHMARKS=1 swift run -c release tandem-benchmarks scripts`. Rates depend on the machine and on what else runs on it: compare
/// the ratios and the CPU time per operation.
@main
struct Benchmarks: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tandem-benchmarks", abstract: "Measures Tandem against bounds taken in the same run.",
    subcommands: [
      DomainBenchmark.self, ClientBenchmark.self, MessagesBenchmark.self, FanOutBenchmark.self, ViewersBenchmark.self,
    ])
}
