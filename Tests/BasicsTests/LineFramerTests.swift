import NIOCore
import Testing

@testable import Basics

/// Cutting a pipe's bytes into lines.
struct LineFramerTests {
  private func lines(_ pieces: [String], limit: Int = 100) -> [LineFramer.Line] {
    var framer = LineFramer(maximumBytes: limit)
    return pieces.flatMap { framer.append(ByteBuffer(string: $0)) } + framer.end()
  }

  private func complete(_ text: String) -> LineFramer.Line { .complete(ByteBuffer(string: text)) }

  @Test func bothLineEndsAndEmptyLines() {
    #expect(lines(["a\nb\r\n\n\r\n  \nc"]) == [complete("a"), complete("b"), complete("  "), complete("c")])
    #expect(lines([]).isEmpty)
  }

  @Test func everyCutGivesTheSame() {
    let whole = Array("ä1\r\n{\"x\":2}\n\nend\n".utf8)
    for cut in 0...whole.count {
      var framer = LineFramer(maximumBytes: 100)
      let result = framer.append(ByteBuffer(bytes: whole[..<cut])) + framer.append(ByteBuffer(bytes: whole[cut...]))
      #expect(result == [complete("ä1"), complete("{\"x\":2}"), complete("end")], "cut at \(cut)")
    }
  }

  @Test func aCarriageReturnInsideOfALineStays() {
    #expect(lines(["a\rb\n"]) == [complete("a\rb")])
  }

  @Test func aLineOverTheLimitIsSkippedAndTheNextIsRead() {
    #expect(lines(["1234\n12345", "6789", "0\nok\n"], limit: 5) == [complete("1234"), .tooLong, complete("ok")])
    #expect(lines(["12345\n"], limit: 5) == [complete("12345")])
    #expect(lines(["123456"], limit: 5) == [.tooLong])
  }
}
