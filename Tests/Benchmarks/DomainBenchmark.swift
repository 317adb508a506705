import ArgumentParser
import Foundation
import Logging
import NIOCore
import NIOPosix
import RedisClient
import SharedSessions
import TestSupport

/// What the scripts of the domain cost Redis, each beside a plain script that writes as much, and what a session takes.
struct DomainBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scripts", abstract: "Redis time of the domain's scripts, against a plain script.")

  @Option(help: "Rounds; the median of them is shown.")
  var rounds: Int = 15

  func validate() throws {
    guard rounds > 0 else { throw ValidationError("--rounds must be a positive number.") }
  }

  func run() async throws {
    let server = try await RedisServer()
    defer { server.stop() }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let logger = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
    let client = RedisClient(configuration: server.configuration, eventLoopGroup: group, logger: logger)
    let domain = SharedSessionsDomain(redis: client, settings: SharedSessionSettings(), logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await client.run() }
      defer { tasks.cancelAll() }
      try await withTaskExecutorPreference(EventLoopTaskExecutor(group.next())) {
        try await measureTime(domain, client)
        try await measureSize(domain, client)
      }
    }
    try await group.shutdownGracefully()
  }

  private func measureTime(_ domain: SharedSessionsDomain, _ client: RedisClient) async throws {
    var times: [String: [Double]] = [:]
    // The first round teaches the scripts to the server and counts for nothing.
    for round in 0...rounds {
      for (name, microseconds) in try await DomainRound(domain: domain, client: client).run() where round > 0 {
        times[name, default: []].append(microseconds)
      }
    }
    let median = { (name: String) in times[name]!.sorted()[rounds / 2] }
    print("Redis time by INFO commandstats of texts of 250 bytes, medians of \(rounds) rounds.")
    print(Table.row(["us", "ratio", "at most"]) + "  operation")
    for (name, goal) in DomainRound.goals {
      print(
        Table.row([Table.decimal(median(name)), Table.decimal(median(name) / median("plain")), goal ?? "-"])
          + "  \(name)")
    }
  }

  private func measureSize(_ domain: SharedSessionsDomain, _ client: RedisClient) async throws {
    let stats = RedisStatistics(client: client)
    let (count, text) = (1_000, String(repeating: "x", count: 120))
    let hosts = (0..<4).map { "size-\($0)" }
    for host in hosts {
      _ = try await domain.hostSessions.register(RegisterHostSession(userID: "u", hostSessionID: host))
    }
    let before = try await stats.number("used_memory", in: "memory")
    var reads = 0
    var ids: [String] = []
    for number in 0..<count {
      let start = try await stats.number("total_reads_processed", in: "stats")
      let session = try await DomainRound.Session(domain, host: hosts[number % hosts.count])
      // Reading the number is a trip too.
      reads += try await stats.number("total_reads_processed", in: "stats") - start - 1
      ids.append(session.id)
      let people = [session.host, try await session.join("a"), try await session.join("b")]
      for message in 0..<17 {
        _ = try await domain.sessions.postMessage(session.id, credentials: people[message % 3], text: text)
      }
    }
    let used = try await stats.number("used_memory", in: "memory") - before
    var own = 0
    for id in ids.prefix(100) { own += try await stats.bytes(of: id) }
    print("A session of three people and 17 messages of 120 bytes: \(own / 100) bytes in its keys (at most 14000),")
    print("\(used / count) bytes of Redis with its entries in the indexes.")
    print("To create one: \(Table.decimal(Double(reads) / Double(count))) trips (at most 3).")
  }
}

/// What Redis says of itself. A value.
struct RedisStatistics: Sendable {
  let client: RedisClient

  /// One number of a section of INFO.
  func number(_ name: String, in section: String) async throws -> Int {
    let text = try await client.send(RedisCommand("INFO", .string(section)), key: nil).string ?? ""
    let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix(name + ":") }
    guard let value = line?.dropFirst(name.count + 1), let number = Int(value) else {
      throw FixtureError("INFO has no \(name).")
    }
    return number
  }

  /// Forgets what commands have taken.
  func reset() async throws {
    _ = try await client.send(RedisCommand("CONFIG", "RESETSTAT"), key: nil)
  }

  /// Microseconds in all scripts since the last reset.
  func scripts() async throws -> Int {
    let text = try await client.send(RedisCommand("INFO", "commandstats"), key: nil).string ?? ""
    return text.split(whereSeparator: \.isNewline).reduce(0) { sum, line in
      guard line.hasPrefix("cmdstat_eval") else { return sum }
      let field = line.split(separator: ",").first { $0.hasPrefix("usec=") }
      return sum + (field.flatMap { Int($0.dropFirst("usec=".count)) } ?? 0)
    }
  }

  /// Bytes of all keys with a session's tag.
  func bytes(of id: String) async throws -> Int {
    let keys = try await client.send(RedisCommand("KEYS", .string("*{\(id)}*")), key: nil).array ?? []
    var sum = 0
    for key in keys.compactMap(\.string) {
      sum += try await client.send(RedisCommand("MEMORY", "USAGE", .string(key), "SAMPLES", "0"), key: nil).integer ?? 0
    }
    return sum
  }
}
