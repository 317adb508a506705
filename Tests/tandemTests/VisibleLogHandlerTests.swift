import Logging
import Synchronization
import Testing

@testable import tandem

/// The log of `tandem host` shares the terminal with what the host reads.
@Suite struct VisibleLogHandlerTests {
  private final class Lines: Sendable {
    let texts = Mutex<[String]>([])
  }

  private struct Recorder: LogHandler {
    let lines: Lines
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let all = metadata.merging(event.metadata ?? [:]) { $1 }
      lines.texts.withLock { $0.append("\(event.message) \(all.sorted { $0.key < $1.key }.map { "\($0)=\($1)" })") }
    }
  }

  @Test func whatAnAgentSaysInALogIsShownAndNotObeyed() {
    let lines = Lines()
    var logger = Logger(label: "test") { _ in VisibleLogHandler(Recorder(lines: lines)) }
    logger[metadataKey: "own"] = "\u{202E}"
    logger.info("a\u{1B}[2Jb", metadata: ["reason": "x\ny\u{7}", "list": ["\u{200B}"]])
    logger.debug("never seen")
    #expect(
      lines.texts.withLock { $0 } == [
        #"a<U+001B>[2Jb ["list=[\"<U+200B>\"]", "own=<U+202E>", "reason=x<U+000A>y<U+0007>"]"#
      ])
  }
}
