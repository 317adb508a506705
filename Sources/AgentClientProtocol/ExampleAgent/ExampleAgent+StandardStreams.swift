import NIOCore
import NIOPosix
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

extension ExampleAgent {
  /// Is an agent on this process's standard input and output, until the input ends.
  public static func runOnStandardStreams(pace: Pace = .watchable) async {
    let agent = ExampleAgent(
      pace: pace,
      write: { line in
        // Nobody who reads means nobody to work for.
        if (try? FileDescriptor.standardOutput.writeAll(line.readableBytesView)) == nil { exit(0) }
      },
      crash: { exit($0) })
    await agent.run(StandardInput())
  }
}

/// The pieces of standard input, each read on a thread that may block: it may be a pipe, a file or a terminal.
private struct StandardInput: AsyncSequence, AsyncIteratorProtocol, Sendable {
  func makeAsyncIterator() -> StandardInput { self }

  mutating func next() async throws -> ByteBuffer? {
    try await NIOThreadPool.singleton.runIfActive {
      var buffer = ByteBuffer()
      let count = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 64 * 1024) {
        try FileDescriptor.standardInput.read(into: $0)
      }
      return count > 0 ? buffer : nil
    }
  }
}
