import Subprocess
import SystemPackage

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Runs a program with its input and output in files without a name.
///
/// Files rather than pipes on purpose: a child that ends before it has read its input, a task cancelled at any moment,
/// or a node that is killed while its server lives can then neither block nor end anybody else.
///
/// Isolation: an immutable value.
struct Program: Sendable {
  /// The program, by name (looked up in `PATH`) or path.
  let name: String
  let arguments: [String]
  var input = ""
  /// Asked to stop when the task is cancelled, and killed after this long.
  var stopTimeout: Duration = .seconds(5)

  /// How a program ended.
  struct Result: Sendable {
    let succeeded: Bool
    /// `exited with status 1`, `ended by signal 9`.
    let ending: String
    /// What it printed, at most the last 64 KiB.
    let output: String
  }

  /// Runs it to its end.
  ///
  /// - Parameter log: A file that gets what it prints; nil keeps it for the result.
  /// - Throws: `notInstalled` when there is no such program, `cannotStart` when it cannot be run.
  func run(log: FilePath? = nil) async throws(EmbeddedRedisError) -> Result {
    do {
      let source = try Self.scratchFile(input)
      let sink = try log.map {
        try FileDescriptor.open(
          $0, .readWrite, options: [.create, .append, .closeOnExec], permissions: .ownerReadWrite)
      }
      let output = try sink ?? Self.scratchFile("")
      defer { try? output.close() }
      var options = PlatformOptions()
      // A session of its own: Ctrl-C in the terminal reaches this process, which then stops the child in its turn.
      options.createSession = true
      options.teardownSequence = [.send(signal: .terminate, allowedDurationToNextStep: stopTimeout)]
      let end = try await Subprocess.run(
        name.contains("/") ? .path(FilePath(name)) : .name(name), arguments: Arguments(arguments),
        platformOptions: options, input: .fileDescriptor(source, closeAfterSpawningProcess: true),
        output: .fileDescriptor(output, closeAfterSpawningProcess: false), error: .combinedWithOutput)
      return Result(
        succeeded: end.terminationStatus.isSuccess, ending: "\(end.terminationStatus)",
        output: try Self.tail(of: output))
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw EmbeddedRedisError(
        .notInstalled,
        "\(name) is not installed. Install Redis 7 (Debian: apt-get install redis-server), or give the URL of a Redis "
          + "with --redis.")
    } catch {
      throw EmbeddedRedisError(.cannotStart, "\(name) could not be run: \(error).")
    }
  }

  /// The last 64 KiB of a file.
  private static func tail(of file: FileDescriptor) throws -> String {
    let size = try file.seek(offset: 0, from: .end)
    var bytes = [UInt8](repeating: 0, count: Int(min(size, 65_536)))
    let start = size - Int64(bytes.count)
    let count = try bytes.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: start, into: $0) }
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }

  /// An open file that has no name any more, holding the text.
  private static func scratchFile(_ text: String) throws -> FileDescriptor {
    // The directory every Unix has for this; mkstemp(3) fills in the six letters, and the name is gone at once.
    var template = Array("/tmp/tandem-XXXXXX".utf8CString)
    let raw = mkstemp(&template)
    guard raw >= 0 else { throw Errno(rawValue: errno) }
    _ = fcntl(raw, F_SETFD, FD_CLOEXEC)
    unlink(template)
    let file = FileDescriptor(rawValue: raw)
    return try file.closeAfterThrowing {
      try file.writeAll(text.utf8)
      try file.seek(offset: 0, from: .start)
      return file
    }
  }
}

extension FileDescriptor {
  /// Closes the file when `body` fails, and only then.
  fileprivate func closeAfterThrowing<Value>(_ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch {
      try? close()
      throw error
    }
  }
}
