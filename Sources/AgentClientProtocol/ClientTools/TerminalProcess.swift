import Subprocess
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A command that an agent runs in a terminal of ours; safe to share, it holds nothing that changes but a signal.
///
/// It gets a process group of its own, which ends with it: nothing that it has started stays behind.
public final class TerminalProcess: Sendable {
  private let command: [String]
  private let environment: [String: String]
  private let workingDirectory: String
  private let grace: Duration
  private let (stopping, stop) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

  /// A command that isn't started yet.
  ///
  /// - Parameters:
  ///   - command: the program and its arguments; a name without a slash is looked up in `PATH`.
  ///   - grace: how long it has to leave when it is to end, before it is killed.
  public init(
    command: [String], environment: [String: String], workingDirectory: String, grace: Duration = .seconds(1)
  ) {
    self.command = command
    self.environment = environment
    self.workingDirectory = workingDirectory
    self.grace = grace
  }

  /// Ends the command, if it runs.
  public func kill() {
    stop.finish()
  }

  /// Runs the command to its end. Called once.
  ///
  /// - Parameter output: takes what it prints, on either of its outputs, in order; it is not read on until that returns.
  /// - Throws: `AgentError.cannotStart`.
  public func run(_ output: @escaping @Sendable ([UInt8]) async -> Void) async throws(AgentError) -> AgentExit {
    guard let program = command.first, !program.isEmpty else {
      throw AgentError(.cannotStart, "No command was given.")
    }
    var options = PlatformOptions()
    options.processGroupID = 0
    let variables = environment.map { (Environment.Key(stringLiteral: $0), $1) }
    do {
      let outcome = try await Subprocess.run(
        program.contains("/") ? .path(FilePath(program)) : .name(program),
        arguments: Arguments(Array(command.dropFirst())),
        environment: .custom(Dictionary(variables) { $1 }), workingDirectory: FilePath(workingDirectory),
        platformOptions: options, input: .none, output: .sequence, error: .combinedWithOutput
      ) { process in
        await withDiscardingTaskGroup { group in
          group.addTask {
            do {
              for try await piece in process.standardOutput { await output(Array(piece.bytes)) }
            } catch {
              // An output that breaks is an output that has ended.
            }
          }
          await self.waitForEnd(of: process.processIdentifier.value)
          try? process.send(signal: .terminate, toProcessGroup: true)
          await Self.waitForExit(of: process.processIdentifier.value, atMost: self.grace)
          // It isn't reaped yet, so the number is still its own.
          try? process.send(signal: .kill, toProcessGroup: true)
        }
      }
      switch outcome.terminationStatus {
      case .exited(let status): return .exited(status: status)
      case .signaled(let signal): return .signaled(signal)
      }
    } catch {
      throw AgentError(.cannotStart, "\"\(program)\" can't be started: \(error)")
    }
  }

  /// Returns when the command has ended, or is to end.
  private func waitForEnd(of id: pid_t) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await Self.waitForExit(of: id, atMost: .seconds(1_000_000_000)) }
      group.addTask { [stopping] in for await _ in stopping {} }
      await group.next()
      group.cancelAll()
    }
  }

  /// Looks now and then: whoever waits for a process may not take its status away from the one who has started it.
  private static func waitForExit(of id: pid_t, atMost limit: Duration) async {
    let deadline = ContinuousClock.now + limit
    var pause = Duration.milliseconds(5)
    while !hasExited(id), ContinuousClock.now < deadline, !Task.isCancelled {
      try? await Task.sleep(for: pause)
      pause = min(pause * 2, .milliseconds(100))
    }
  }

  private static func hasExited(_ id: pid_t) -> Bool {
    var information = siginfo_t()
    guard waitid(P_PID, id_t(id), &information, WEXITED | WNOHANG | WNOWAIT) == 0 else { return true }
    return information.si_signo != 0
  }
}

extension Array where Element == UInt8 {
  fileprivate init(_ bytes: RawSpan) {
    self = bytes.withUnsafeBytes { Array($0) }
  }
}
