public import Foundation
import Synchronization

/// A program started by a test, without output, with no signal blocked.
///
/// Sendable: its state is behind a mutex. Foundation's `Process` is not used because a child started from a thread of a dispatch queue
/// inherits that thread's blocked signals and then ignores SIGTERM.
public final class ChildProcess: Sendable {
  /// The process id; it stays reserved until `wait` or `end` has returned.
  public let processIdentifier: pid_t
  private let hasEnded = Mutex(false)

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - path: the program's path.
  ///   - arguments: what follows its name.
  public init(_ path: String, _ arguments: [String]) throws {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    for descriptor: Int32 in 0...2 {
      posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
    }
    // SwiftNIO's sockets are inherited otherwise, and a port or connection that a test has closed lives on in the child.
    for descriptor: Int32 in 3..<1024 { posix_spawn_file_actions_addclose(&actions, descriptor) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

    var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
    words.append(nil)
    defer { for word in words { free(word) } }
    var identifier: pid_t = 0
    let status = posix_spawn(&identifier, path, &actions, &attributes, words, environ)
    guard status == 0 else { throw FixtureError("\(path) could not be started: \(String(cString: strerror(status)))") }
    processIdentifier = identifier
  }

  deinit { end(SIGKILL) }

  /// Whether it still runs.
  public var isRunning: Bool {
    hasEnded.withLock { ended in
      if !ended { ended = Self.reap(processIdentifier, WNOHANG) != 0 }
      return !ended
    }
  }

  /// Sends a signal, unless it has ended.
  public func signal(_ number: Int32) {
    hasEnded.withLock { ended in
      if !ended { _ = kill(processIdentifier, number) }
    }
  }

  /// Sends a signal and waits until the process is gone. Blocks the thread for that moment.
  public func end(_ number: Int32) {
    hasEnded.withLock { ended in
      guard !ended else { return }
      _ = kill(processIdentifier, number)
      _ = Self.reap(processIdentifier, 0)
      ended = true
    }
  }

  /// Waits until it ends by itself.
  public func waitUntilExit() async throws {
    try await eventually("process \(processIdentifier) ends") { !isRunning }
  }

  private static func reap(_ identifier: pid_t, _ options: Int32) -> pid_t {
    while true {
      let result = waitpid(identifier, nil, options)
      if result >= 0 || errno != EINTR { return result }
    }
  }
}

/// Why a fixture could not be used. A value.
public struct FixtureError: Error, CustomStringConvertible {
  /// What is wrong.
  public let description: String

  /// An error with its sentence.
  public init(_ description: String) { self.description = description }
}

/// Finds the programs that tests start. A namespace.
public enum InstalledProgram {
  /// The path of a program of the system.
  public static func find(_ name: String) throws -> String {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    for directory in path.split(separator: ":") {
      let candidate = "\(directory)/\(name)"
      if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
    }
    throw FixtureError("\(name) is not installed; `make test` installs what the tests need.")
  }
}
