import SystemPackage

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// One run of the redis-server program, as a child process.
///
/// Isolation: an immutable value.
struct ServerProcess: Sendable {
  let directory: DataDirectory
  let configuration: EmbeddedRedisConfiguration

  /// How a run ended.
  enum Outcome: Sendable, Hashable {
    /// The process ended by itself or by somebody's signal.
    case ended(String)
    /// It gave no answer in time and was stopped.
    case gaveNoAnswer
  }

  /// Runs the server until it ends. When the task is cancelled it is asked to stop, and killed if it does not.
  ///
  /// - Parameter onServing: Called once when it answers and has read its data.
  /// - Throws: `notInstalled` or `cannotStart` when the program cannot be run.
  func run(onServing: @escaping @Sendable (RedisServerInfo) -> Void) async throws(EmbeddedRedisError) -> Outcome {
    rotateLog()
    do {
      return try await withThrowingTaskGroup(of: Outcome?.self) { group in
        group.addTask {
          let program = Program(
            name: configuration.serverProgram, arguments: ["-"], input: settings,
            stopTimeout: configuration.stopTimeout)
          return .ended(try await program.run(log: FilePath(directory.logPath)).ending)
        }
        group.addTask {
          guard let info = await waitForAnswer() else { return Task.isCancelled ? nil : .gaveNoAnswer }
          onServing(info)
          return nil
        }
        var outcome: Outcome?
        while let next = try await group.next() {
          guard let next else { continue }
          outcome = outcome ?? next
          group.cancelAll()
        }
        return outcome ?? .ended("stopped")
      }
    } catch let error as EmbeddedRedisError {
      throw error
    } catch {
      throw EmbeddedRedisError(.stopped, "The private redis-server was stopped.")
    }
  }

  /// The last line of the server's log that says something, for error messages.
  func lastLogLine() -> String? {
    guard let descriptor = try? FileDescriptor.open(FilePath(directory.logPath), .readOnly, options: [.closeOnExec])
    else {
      return nil
    }
    defer { try? descriptor.close() }
    guard let size = try? descriptor.seek(offset: 0, from: .end) else { return nil }
    var tail = [UInt8](repeating: 0, count: Int(min(size, 4_096)))
    let start = size - Int64(tail.count)
    guard (try? tail.withUnsafeMutableBytes({ try descriptor.read(fromAbsoluteOffset: start, into: $0) })) != nil else {
      return nil
    }
    return String(decoding: tail, as: UTF8.self).split(whereSeparator: \.isNewline).last.map(String.init)
  }

  /// The server's configuration. It goes in on standard input, so that there is no file to go stale.
  var settings: String {
    """
    port 0
    unixsocket \(Self.quoted(directory.socketPath))
    unixsocketperm 700
    dir \(Self.quoted(directory.serverDirectory))
    pidfile \(Self.quoted(directory.processFilePath))
    logfile ""
    loglevel notice
    daemonize no
    appendonly yes
    appendfsync always
    no-appendfsync-on-rewrite no
    aof-load-truncated no
    save ""
    maxmemory \(configuration.maximumMemory)
    maxmemory-policy noeviction
    stop-writes-on-bgsave-error no
    """ + "\n"
  }

  /// Text in the quotes of redis.conf, in which a backslash and a quote need a backslash.
  static func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }

  /// Asks until the server answers and has read its data.
  ///
  /// - Returns: nil when it was silent for too long or the task was cancelled.
  private func waitForAnswer() async -> RedisServerInfo? {
    var deadline = ContinuousClock.now + configuration.answerTimeout
    while !Task.isCancelled && ContinuousClock.now < deadline {
      if let info = await RedisServerInfo.ask(socketPath: directory.socketPath, within: .seconds(2)) {
        if !info.isLoading { return info }
        deadline = ContinuousClock.now + configuration.answerTimeout
      }
      try? await Task.sleep(for: .milliseconds(20))
    }
    return nil
  }

  /// Keeps the server's log from growing for ever: one old part of at least a megabyte is kept.
  private func rotateLog() {
    var status = stat()
    guard stat(directory.logPath, &status) == 0, status.st_size > 1 << 20 else { return }
    rename(directory.logPath, directory.logPath + ".1")
  }
}
