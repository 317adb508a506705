import Basics
import Logging
import NIOCore
import Observability
import Subprocess
import Synchronization
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

extension AgentConnection {
  /// Starts the agent, talks to it until it leaves or `stop()` is called, and waits for its process to be gone.
  ///
  /// The agent gets a process group of its own, so that what it has started can be ended with it, and so that a Ctrl-C in
  /// the host's terminal reaches us alone. A connection runs once.
  ///
  /// - Returns: how the process ended.
  /// - Throws: `AgentError.cannotStart` with what is wrong with the command.
  public func run() async throws(AgentError) -> AgentExit {
    Self.ignoreBrokenPipes
    do throws(AgentError) {
      let exit = try await runProcess()
      let reason = state.withLock { $0.lastErrorLine }.map { " Its last words: \($0)" } ?? ""
      close(AgentError(.exited, exit.sentence + reason))
      return exit
    } catch {
      close(error)
      throw error
    }
  }

  /// A write to an agent that is gone must be an error of that write, not the end of this process.
  private static let ignoreBrokenPipes: Void = { _ = signal(SIGPIPE, SIG_IGN) }()

  private func runProcess() async throws(AgentError) -> AgentExit {
    guard let program = configuration.command.first, !program.isEmpty else {
      throw AgentError(.cannotStart, "No agent command was given.")
    }
    var options = PlatformOptions()
    options.processGroupID = 0
    options.teardownSequence = [
      .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: configuration.stopGrace)
    ]
    let variables = configuration.environment.variables.map { (Environment.Key(stringLiteral: $0), $1) }
    do {
      let outcome = try await Subprocess.run(
        program.contains("/") ? .path(FilePath(program)) : .name(program),
        arguments: Arguments(Array(configuration.command.dropFirst())),
        environment: .custom(Dictionary(variables) { $1 }),
        workingDirectory: FilePath(configuration.workingDirectory), platformOptions: options,
        input: .inputWriter, output: .sequence, error: .sequence
      ) { execution in
        await converse(with: execution)
      }
      switch outcome.terminationStatus {
      case .exited(let status): return .exited(status: status)
      case .signaled(let signal): return .signaled(signal)
      }
    } catch {
      throw AgentError(.cannotStart, "The agent \"\(program)\" can't be started: \(error)")
    }
  }

  private typealias Process = Execution<CustomWriteInput, SequenceOutput, SequenceOutput>

  /// Everything that happens while the process lives. Returns when it has ended; it is not reaped before.
  private func converse(with process: Process) async {
    await withDiscardingTaskGroup { group in
      group.addTask {
        await self.read(process.standardOutput)
        self.stop()  // An agent that has closed its output has nothing more to say.
      }
      group.addTask { await self.readErrors(process.standardError) }
      group.addTask { await self.write(to: process.standardInputWriter) }
      for await _ in stopping {}
      wake.finish()
      // Signal 0 only waits: an agent leaves by itself when its input ends.
      await process.teardown(using: [
        .send(signal: Signal(rawValue: 0), allowedDurationToNextStep: configuration.stopGrace),
        .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: configuration.stopGrace),
      ])
      // What the agent has left behind in its group. The process isn't reaped yet, so the number is still its own.
      try? process.send(signal: .kill, toProcessGroup: true)
    }
  }

  private func read(_ output: SubprocessOutputSequence) async {
    await withDiscardingTaskGroup { group in
      var framer = LineFramer(maximumBytes: configuration.limits.lineBytes)
      do {
        for try await piece in output {
          await receive(framer.append(ByteBuffer(piece)), askingIn: &group)
        }
      } catch {
        logger.debug("reading from the agent ended", metadata: [LogKey.error: "\(error)"])
      }
      await receive(framer.end(), askingIn: &group)
      // Nobody reads an answer any more.
      for question in state.withLock({ $0.questions.values.map(\.self) }) { question.finish() }
    }
  }

  private func readErrors(_ output: SubprocessOutputSequence) async {
    var framer = LineFramer(maximumBytes: configuration.limits.errorLineBytes)
    do {
      for try await piece in output { logErrors(framer.append(ByteBuffer(piece))) }
    } catch {
      logger.debug("reading the agent's errors ended", metadata: [LogKey.error: "\(error)"])
    }
    logErrors(framer.end())
  }

  private func logErrors(_ lines: [LineFramer.Line]) {
    for case .complete(let line) in lines {
      let text = String(buffer: line)
      state.withLock { $0.lastErrorLine = String(text.prefix(500)) }
      logger.info("agent's standard error", metadata: [LogKey.agentStandardError: "\(text)"])
    }
  }

  private func write(to input: StandardInputWriter) async {
    do {
      for await _ in wakeups { try await writeAll(to: input) }
      try await writeAll(to: input)
    } catch {
      logger.debug("writing to the agent ended", metadata: [LogKey.error: "\(error)"])
    }
    try? await input.finish()
  }

  private func writeAll(to input: StandardInputWriter) async throws {
    while let line = state.withLock({ $0.machine.nextOutgoing() }) {
      _ = try await input.write(Array(line.readableBytesView))
    }
  }
}

extension ByteBuffer {
  fileprivate init(_ piece: SubprocessOutputSequence.Buffer) {
    self.init()
    reserveCapacity(piece.count)
    writeBytes(piece.bytes)
  }
}
