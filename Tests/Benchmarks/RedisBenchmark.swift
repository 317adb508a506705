import Foundation
import RedisClient
import TestSupport

/// Runs `redis-benchmark` with the realistic script. A value.
struct RedisBenchmark {
  let socket: String
  /// How long one run should take, roughly: it can only be told a number of requests.
  let seconds: Double

  /// - Parameters:
  ///   - connections: `-c`.
  ///   - pipelined: `-P`, commands in flight on each connection.
  func scriptsPerSecond(connections: Int, pipelined: Int) throws -> Double {
    let trial = try run(requests: 5_000, connections, pipelined)
    return try run(requests: max(Int(trial * seconds), 5_000), connections, pipelined)
  }

  private func run(requests: Int, _ connections: Int, _ pipelined: Int) throws -> Double {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: try InstalledProgram.find("redis-benchmark"))
    process.arguments =
      [
        "-s", socket, "-n", "\(requests)", "-c", "\(connections)", "-P", "\(pipelined)", "--csv", "EVALSHA",
        RealisticScript.script.sha1, "\(RealisticScript.keys.count)",
      ] + RealisticScript.keys + RealisticScript.arguments
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    // Two lines: names, then "test","rps",...
    let fields = text.split(separator: "\n").last?.split(separator: ",").map { $0.filter { $0 != "\"" } } ?? []
    guard let rate = fields.compactMap({ Double($0) }).first, rate > 0 else {
      throw FixtureError("redis-benchmark printed no rate: \(text)")
    }
    return rate
  }
}
