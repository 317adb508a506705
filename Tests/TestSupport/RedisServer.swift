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
    RedisClientConfiguration(topology: .standalone(.unixSocket(path: socketPath)))
  }

  private let process = Mutex<Process?>(nil)

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
    if port == 0 { port = try FreePort.find() }
    self.port = port
    certificateFile = options.tls ? path + "/certificate.pem" : nil
    if options.tls { try Self.makeCertificate(in: directory) }

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
    let process = Process()
    process.executableURL = try Self.find("redis-server")
    process.arguments = [directory.path + "/redis.conf"]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try? FileManager.default.removeItem(atPath: socketPath)
    try process.run()
    self.process.withLock { $0 = process }
    try await eventually("redis-server answers on \(socketPath)") {
      guard process.isRunning else { throw RedisServerError("redis-server ended at once: \(log)") }
      return UnixSocketCheck.accepts(path: socketPath)
    }
  }

  /// Kills the process with signal 9 and waits until it is gone. The directory stays.
  public func kill() { end { Foundation.kill($0.processIdentifier, SIGKILL) } }

  /// Stops the process with SIGSTOP: connections stay open and nothing answers.
  public func freeze() { signal(SIGSTOP) }

  /// Lets a frozen process go on.
  public func thaw() { signal(SIGCONT) }

  /// Stops the process and removes the directory. Called by `deinit` too.
  public func stop() {
    end {
      Foundation.kill($0.processIdentifier, SIGCONT)
      $0.terminate()
    }
    try? FileManager.default.removeItem(at: directory)
  }

  /// What the server has logged.
  public var log: String { (try? String(contentsOf: directory.appending(path: "redis.log"), encoding: .utf8)) ?? "" }

  /// The process id, or nil when it does not run.
  public var processIdentifier: Int32? { process.withLock { $0.map(\.processIdentifier) } }

  private func signal(_ number: Int32) {
    if let processIdentifier { Foundation.kill(processIdentifier, number) }
  }

  private func end(_ how: (Process) -> Void) {
    guard let running = process.withLock({ $0.take() }) else { return }
    how(running)
    running.waitUntilExit()
  }

  /// The path of a program of the system.
  static func find(_ program: String) throws -> URL {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    for directory in path.split(separator: ":") {
      let candidate = "\(directory)/\(program)"
      if FileManager.default.isExecutableFile(atPath: candidate) { return URL(fileURLWithPath: candidate) }
    }
    throw RedisServerError("\(program) is not installed; `make test` installs what the tests need.")
  }

  private static func makeCertificate(in directory: URL) throws {
    let process = Process()
    process.executableURL = try find("openssl")
    process.currentDirectoryURL = directory
    process.arguments = [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
      "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
      "-keyout", "key.pem", "-out", "certificate.pem",
    ]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw RedisServerError("openssl could not make a certificate.") }
  }
}

/// Why a fixture could not be used. A value.
public struct RedisServerError: Error, CustomStringConvertible {
  /// What is wrong.
  public let description: String

  init(_ description: String) { self.description = description }
}

/// Starts a server, runs `body` with it and stops it, whatever happens.
public func withRedisServer<Value>(
  _ options: RedisServer.Options = .init(), _ body: (RedisServer) async throws -> Value
) async throws -> Value {
  let server = try await RedisServer(options)
  defer { server.stop() }
  return try await body(server)
}
