import Logging
import Observability

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Repairs the server's append-only file before every start.
///
/// A server killed while it writes leaves a torn tail. redis-server 7.0.15 can read past a torn transaction and then
/// append to it, so that a later start brings half of it back to life. `redis-check-aof --fix` cuts the tail off at the
/// last whole command instead; acknowledged writes come before it, because they were synced.
///
/// Isolation: pure functions over the file system.
enum AppendOnlyFile {
  /// Repairs it, when there is one.
  ///
  /// - Throws: `damagedData` when the damage is not in the tail; `notInstalled` without the check program.
  static func repair(
    _ directory: DataDirectory, program: String, logger: Logger
  ) async throws(EmbeddedRedisError) {
    guard access(directory.manifestPath, F_OK) == 0 else { return }
    let program = Program(name: program, arguments: ["--fix", directory.manifestPath], input: "y\n")
    let result = try await program.run()
    if Task.isCancelled { return }
    guard result.succeeded else {
      let lastLine = result.output.split(whereSeparator: \.isNewline).last.map(String.init) ?? "it said nothing"
      throw EmbeddedRedisError(
        .damagedData,
        "The data in \(directory.serverDirectory) is damaged and redis-check-aof cannot repair it (\(lastLine)). "
          + "Restore a copy, or move the directory away to start empty.")
    }
    if result.output.contains("Successfully truncated") {
      logger.warning("cut a torn tail off the append-only file", metadata: [LogKey.redisDirectory: "\(directory.path)"])
    }
  }
}
