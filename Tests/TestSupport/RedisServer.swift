public import Foundation
public import RedisClient
import Synchronization

/// A private redis-server in a directory of its own, reached through a Unix socket.
///
/// Sendable: its process handle is behind a mutex. `withRedisServer` starts and stops one around a test. The process is
/// always ended by its id; `kill()` is `kill -9`, and `start()` after it runs a new one on the same directory.
public final class RedisServer: Sendable {
  /// What the server is started with.
  public struct Options: Sendable {
    /// Also listen on 127.0.0.1 at this port; 0 picks a free one. Nil: the socket only.
    public var port: Int?
    /// Let the TCP port speak TLS with a self-signed certificate made for `localhost` and 127.0.0.1.
    public var tls = false
    /// Further lines of the configuration file, such as `user tandem on >secret ~tandem* &tandem* +@all`.
    public var configuration: [String] = []

    /// Only a Unix socket, nothing kept on disk.
    public init(port: Int? = nil, tls: Bool = false, configuration: [String] = []) {
      self.port = port
      self.tls = tls
      self.configuration = configuration
    }
  }

  /// The directory with socket, configuration, data and log.
  public let directory: URL
  /// The Unix socket's path.
  public let socketPath: String
  /// The TCP port, when one was asked for.
  public let port: Int?
  /// The certificate authority's PEM file, when TLS was asked for.
  public let certificateFile: String?
  /// `unix://` URL of the socket.
  public var url: String { "unix://\(socketPath)" }
  /// A configuration for the socket.
  public var configuration: RedisClientConfiguration {
    var configuration = RedisClientConfiguration(topology: .standalone(.unixSocket(path: socketPath)))
    // A busy machine can need more than the defaults; tests that are about time set their own.
    configuration.connectTimeout = .seconds(20)
    configuration.commandTimeout = .seconds(60)
    configuration.probeInterval = .seconds(5)
    return configuration
  }

  private let process = Mutex<ChildProcess?>(nil)

  /// Starts a server and waits until it answers.
  ///
  /// - Throws: when redis-server cannot be found or does not answer within the deadline.
  public init(_ options: Options = Options()) async throws {
    // Not the system's temporary directory: on macOS its path alone nearly fills a socket address.
    let path = "/tmp/tandem-test-\(UInt32.random(in: 0...UInt32.max))"
    directory = URL(fileURLWithPath: path, isDirectory: true)
    socketPath = path + "/redis.sock"
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
    var port = options.port
    if port == 0 { port = try await FreePort.find() }
    self.port = port
    certificateFile = options.tls ? path + "/certificate.pem" : nil
    if options.tls { try await Self.makeCertificate(in: path) }

    var lines = [
      "unixsocket \(socketPath)", "unixsocketperm 700", "dir \(path)", "logfile \(path)/redis.log", "save \"\"",
      "daemonize no",
    ]
    if let port, options.tls {
      lines += [
        "port 0", "tls-port \(port)", "bind 127.0.0.1", "tls-cert-file \(path)/certificate.pem",
        "tls-key-file \(path)/key.pem", "tls-ca-cert-file \(path)/certificate.pem", "tls-auth-clients no",
      ]
    } else {
      lines += ["port \(port ?? 0)", "bind 127.0.0.1"]
    }
    lines += options.configuration
    try (lines.joined(separator: "\n") + "\n").write(
      toFile: path + "/redis.conf", atomically: true, encoding: .utf8)
    try await start()
  }

  deinit { stop() }

  /// Starts the process on the directory and waits until it answers.
  public func start() async throws {
    try? FileManager.default.removeItem(atPath: socketPath)
    let process = try ChildProcess(InstalledProgram.find("redis-server"), [directory.path + "/redis.conf"])
    self.process.withLock { $0 = process }
    try await eventually("redis-server answers on \(socketPath)") {
      guard process.isRunning else { throw FixtureError("redis-server ended at once: \(log)") }
      return await UnixSocketCheck.accepts(path: socketPath)
    }
  }

  /// Kills the process with signal 9 and waits until it is gone. The directory stays.
  public func kill() { end(SIGKILL) }

  /// Ends the process with SIGTERM, as an operator would, and waits until it is gone. The directory stays.
  public func terminate() { end(SIGTERM) }

  /// Stops the process with SIGSTOP: connections stay open and nothing answers.
  public func freeze() { process.withLock { $0?.signal(SIGSTOP) } }

  /// Lets a frozen process go on.
  public func thaw() { process.withLock { $0?.signal(SIGCONT) } }

  /// Kills the process and removes the directory. Called by `deinit` too.
  public func stop() {
    kill()
    try? FileManager.default.removeItem(at: directory)
  }

  /// What the server has logged.
  public var log: String { (try? String(contentsOf: directory.appending(path: "redis.log"), encoding: .utf8)) ?? "" }

  /// The process id, or nil when it does not run.
  public var processIdentifier: Int32? { process.withLock { $0?.processIdentifier } }

  private func end(_ signal: Int32) {
    process.withLock { $0.take() }?.end(signal)
  }

  private static func makeCertificate(in directory: String) async throws {
    let process = try ChildProcess(
      InstalledProgram.find("openssl"),
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-keyout", directory + "/key.pem", "-out", directory + "/certificate.pem",
      ])
    try await process.waitUntilExit()
    guard FileManager.default.fileExists(atPath: directory + "/certificate.pem") else {
      throw FixtureError("openssl could not make a certificate.")
    }
  }
}

/// Starts a server, runs `body` with it and stops it, whatever happens.
public func withRedisServer<Value>(
  _ options: RedisServer.Options = .init(), _ body: (RedisServer) async throws -> Value
) async throws -> Value {
  let server = try await RedisServer(options)
  defer { server.stop() }
  return try await body(server)
}
