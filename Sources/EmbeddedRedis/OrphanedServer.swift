import SystemPackage

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A server of this data directory that this process did not start: one whose node was killed.
///
/// Isolation: pure functions over the process table.
enum OrphanedServer {
  /// The process id in the server's own file, when that process is alive and is a server of this directory.
  ///
  /// A process id alone proves nothing, because the kernel uses it again. redis-server works inside its directory, so
  /// the working directory tells; where that cannot be read the answer is nil.
  static func processIdentifier(_ directory: DataDirectory) -> pid_t? {
    guard let text = contents(directory.processFilePath, limit: 64),
      let identifier = pid_t(text.filter { !$0.isWhitespace }), isAlive(identifier, directory)
    else { return nil }
    return identifier
  }

  /// Whether the process exists, has not ended (a zombie has no working directory), and works in the directory.
  static func isAlive(_ identifier: pid_t, _ directory: DataDirectory) -> Bool {
    guard identifier > 1, kill(identifier, 0) == 0 else { return false }
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let length = readlink("/proc/\(identifier)/cwd", &buffer, buffer.count - 1)
    guard length > 0 else { return false }
    return buffer.prefix(length).map { UInt8(bitPattern: $0) } == Array(directory.serverDirectory.utf8)
  }

  /// Asks it to stop, and kills it when it takes longer than the limit.
  ///
  /// It runs to its end even when the calling task is cancelled: a server must not be left behind half stopped.
  static func stop(_ identifier: pid_t, _ directory: DataDirectory, within limit: Duration) async {
    await Task {
      guard isAlive(identifier, directory) else { return }
      kill(identifier, SIGTERM)
      let deadline = ContinuousClock.now + limit
      while isAlive(identifier, directory) {
        if ContinuousClock.now >= deadline { kill(identifier, SIGKILL) }
        try? await Task.sleep(for: .milliseconds(20))
      }
    }.value
  }

  /// A small file's text; nil when it cannot be read or is longer.
  private static func contents(_ path: String, limit: Int) -> String? {
    guard let descriptor = try? FileDescriptor.open(FilePath(path), .readOnly, options: [.closeOnExec]) else {
      return nil
    }
    defer { try? descriptor.close() }
    var bytes = [UInt8](repeating: 0, count: limit + 1)
    guard let count = try? bytes.withUnsafeMutableBytes({ try descriptor.read(into: $0) }), count <= limit else {
      return nil
    }
    return String(validating: bytes.prefix(count), as: UTF8.self)
  }
}
