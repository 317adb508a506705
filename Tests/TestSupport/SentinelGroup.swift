import Foundation
public import RedisClient
import Synchronization

/// One Sentinel as a process. Sendable: its process handle is behind a mutex.
public final class SentinelServer: Sendable {
  /// The TCP port on 127.0.0.1.
  public let port: Int
  private let directory: URL
  private let process: Mutex<ChildProcess>

  /// Starts a Sentinel and waits until it answers.
  ///
  /// - Parameter lines: its configuration, beside port, directory and log.
  public static func start(_ lines: [String]) async throws -> SentinelServer {
    // A port that was free a moment ago may be somebody else's by now.
    for _ in 0..<4 {
      do { return try await SentinelServer(lines) } catch is FixtureError { continue }
    }
    return try await SentinelServer(lines)
  }

  private init(_ lines: [String]) async throws {
    port = try await FreePort.find()
    directory = URL(fileURLWithPath: "/tmp/tandem-test-\(UInt32.random(in: 0...UInt32.max))", isDirectory: true)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
    let file = directory.path + "/sentinel.conf"
    let all = ["port \(port)", "bind 127.0.0.1", "dir \(directory.path)", "logfile \(directory.path)/log"] + lines
    try (all.joined(separator: "\n") + "\n").write(toFile: file, atomically: true, encoding: .utf8)
    let process = try ChildProcess(InstalledProgram.find("redis-server"), [file, "--sentinel"])
    self.process = Mutex(process)
    let log = directory.path + "/log"
    try await eventually("a Sentinel answers") {
      guard process.isRunning else {
        throw FixtureError("A Sentinel ended at once: \((try? String(contentsOfFile: log, encoding: .utf8)) ?? "")")
      }
      return await PortCheck.accepts(port: port)
    }
  }

  deinit { stop() }

  /// Stops the process with SIGSTOP: connections stay open and nothing answers.
  public func freeze() { process.withLock { $0.signal(SIGSTOP) } }

  /// Lets a frozen process go on.
  public func thaw() { process.withLock { $0.signal(SIGCONT) } }

  /// Kills the process and removes its directory.
  public func stop() {
    process.withLock { $0.end(SIGKILL) }
    try? FileManager.default.removeItem(at: directory)
  }
}

/// A primary, two replicas and three Sentinels that watch them. Sendable: immutable, its parts guard themselves.
public struct SentinelGroup: Sendable {
  /// What the Sentinels call the primary.
  public static let name = "mymaster"
  /// The first is the primary at first.
  public let servers: [RedisServer]
  /// Who watch them.
  public let sentinels: [SentinelServer]

  /// The server with that port.
  public func server(port: Int) -> RedisServer? { servers.first { $0.port == port } }

  /// Starts everything and waits until the Sentinels know each other and the replicas.
  ///
  /// - Parameters:
  ///   - server: further lines for each redis-server.
  ///   - sentinel: further lines for each Sentinel.
  public static func start(server: [String] = [], sentinel: [String] = []) async throws -> SentinelGroup {
    let primary = try await RedisServer.start { .init(port: 0, configuration: server) }
    guard let port = primary.port else { throw FixtureError("The primary has no port.") }
    var servers = [primary]
    for _ in 0..<2 {
      let lines = ["replicaof 127.0.0.1 \(port)", "repl-diskless-sync-delay 0"] + server
      servers.append(try await RedisServer.start { .init(port: 0, configuration: lines) })
    }
    var sentinels: [SentinelServer] = []
    for _ in 0..<3 {
      let watch = [
        "sentinel monitor \(name) 127.0.0.1 \(port) 2", "sentinel down-after-milliseconds \(name) 1500",
        "sentinel failover-timeout \(name) 6000",
      ]
      sentinels.append(try await SentinelServer.start(watch + sentinel))
    }
    return SentinelGroup(servers: servers, sentinels: sentinels)
  }

  /// A configuration that finds the primary through the Sentinels.
  public var configuration: RedisClientConfiguration {
    RedisClientConfiguration(
      topology: .sentinel(sentinels.map { .host("127.0.0.1", port: $0.port) }, primary: Self.name))
  }

  /// Ends all processes.
  public func stop() {
    for sentinel in sentinels { sentinel.stop() }
    for server in servers { server.stop() }
  }
}
