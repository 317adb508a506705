import NIOCore
import SharedSessions
import Testing

@testable import EventStreaming

@Suite struct StreamCursorTests {
  @Test func theCombinedCursorWinsPartByPart() {
    let own: [String?] = ["1-0", nil, "earliest"]
    #expect(StreamCursor.starts(nil, own: own) == [.after("1-0"), .live, .earliest])
    #expect(StreamCursor.starts("5-1,earliest,-", own: own) == [.after("5-1"), .earliest, .earliest])
    #expect(StreamCursor.starts("-,-,-", own: own) == StreamCursor.starts(nil, own: own))
    #expect(StreamCursor.starts("earliest", own: own) == [.earliest, .earliest, .earliest])
  }

  @Test(arguments: ["", "1-0", "1-0,2-0", "1-0,2-0,3-0,4-0", "nonsense"])
  func aCursorOfAnotherNumberOfSessionsResumesNone(cursor: String) throws {
    for start in StreamCursor.starts(cursor, own: [nil, nil, nil]) {
      guard case .after(let text) = start else { throw WrongStart() }
      #expect(EventID(text) == nil)
    }
  }

  @Test func aBrokenPartConcernsItsSessionOnly() {
    #expect(StreamCursor.starts("1-0,,x y", own: [nil, nil, nil]) == [.after("1-0"), .after(""), .after("x y")])
  }

  @Test func aRefusedSessionKeepsItsPlace() {
    #expect(StreamCursor.kept(.live) == "-")
    #expect(StreamCursor.kept(.earliest) == "earliest")
    #expect(StreamCursor.kept(.after("5-1")) == "5-1")
    #expect(StreamCursor.kept(.after("5-1,6\n")) == "-")
    #expect(StreamCursor.text(.zero) == "earliest")
  }

  private struct WrongStart: Error {}

  @Test func largePiecesStaySharedAndSmallOnesAreCopied() {
    var composer = FrameComposer()
    let large = ByteBuffer(repeating: 120, count: FrameComposer.largePiece)
    composer.add("id: 1\n")
    composer.add(shared: ByteBuffer(string: "data: a\n\n"))
    composer.add(shared: large)
    composer.add("id: 2\n")
    let pieces = composer.take(.chunked)
    #expect(pieces.map { $0 == large } == [false, false, true, false, false])
    let text = pieces.map { String(buffer: $0) }.joined()
    let body = "id: 1\ndata: a\n\n" + String(buffer: large) + "id: 2\n"
    #expect(text == String(body.utf8.count, radix: 16) + "\r\n" + body + "\r\n")
    composer.add("x")
    let next = composer.take(.identity)
    #expect(next == [ByteBuffer(string: "x")])
  }

  @Test func aViewHasItsOwnFrames() {
    var frames = BatchFrames([event(1), thought(2), passing(), update(3, #"{"rawInput":1,"a":2}"#)])
    let (all, some, behind) = (frames.count(.whole), frames.count(.reduced), frames.withheldAtEnd(.reduced))
    #expect([all, some, behind] == [4, 3, 0])
    let held = [0, 1, 2, 3].map { frames.holds($0, in: .reduced) }
    #expect(held == [true, false, true, true])
    let shown = String(buffer: frames.bytes(.reduced, for: .identity))
    #expect(shown.hasSuffix("{\"notification\":{\"params\":{\"update\":{\"a\":2}}}}}\n\n"))
    let slices = [(3, StreamView.whole, false), (2, .reduced, false), (0, .reduced, true)].map {
      String(buffer: frames.frame($0.0, in: $0.1, withID: $0.2))
    }
    #expect(slices[0].hasPrefix("data: {\"n\":3,"))
    #expect(slices[1] == "data: {\"passing\":true}\n\n")
    #expect(slices[2] == "id: 1000-1\ndata: {\"n\":1}\n\n")
  }

  @Test func viewsThatAreTheSameAreEncodedOnce() {
    var frames = BatchFrames([event(1), event(2)])
    let (whole, reduced) = (frames.bytes(.whole, for: .identity), frames.bytes(.reduced, for: .identity))
    whole.withUnsafeReadableBytes { first in
      reduced.withUnsafeReadableBytes { #expect(first.baseAddress == $0.baseAddress) }
    }
  }

  @Test func whatIsWithheldAtTheEndIsCounted() {
    var frames = BatchFrames([event(1), thought(2), thought(3)])
    let (behind, holdsID) = (frames.withheldAtEnd(.reduced), frames.holdsID(.reduced))
    #expect(behind == 2 && holdsID)
  }
}
