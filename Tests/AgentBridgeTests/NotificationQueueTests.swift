import JSONText
import NIOCore
import Testing

@testable import AgentBridge

/// Order, joining of text and bounds of what waits to be published.
struct NotificationQueueTests {
  private let start = ContinuousClock.now

  private func chunk(
    _ text: String, message: String? = "m", kind: String = "agent_message_chunk", session: String = "s"
  ) -> JSONText {
    JSONText { object in
      object.add("jsonrpc", "2.0")
      object.add("method", "session/update")
      object.add("params") { params in
        params.add("sessionId", session)
        params.add("update") { update in
          update.add("sessionUpdate", kind)
          update.add("content") {
            $0.add("type", "text")
            $0.add("text", text)
          }
          update.add("messageId", message)
        }
      }
    }
  }

  private func other(_ number: Int) throws -> JSONText {
    try JSONText(validating: #"{"method":"session/update","params":{"n":\#(number)}}"#)
  }

  private func publish(_ texts: JSONText...) -> NotificationQueue.Step { .publish(texts) }

  @Test func piecesOfOneMessageBecomeOne() {
    var queue = NotificationQueue()
    for text in ["He", "llo", " wörld"] { queue.append(chunk(text), at: start) }
    #expect(queue.next(at: start) == .wait(until: start + .milliseconds(30)))
    #expect(queue.next(at: start + .milliseconds(30)) == publish(chunk("Hello wörld")))
    #expect(queue.next(at: start + .seconds(1)) == .idle)
  }

  @Test func theWindowStartsWithTheFirstPiece() {
    var queue = NotificationQueue()
    queue.append(chunk("a"), at: start)
    queue.append(chunk("b"), at: start + .milliseconds(29))
    #expect(queue.next(at: start + .milliseconds(30)) == publish(chunk("ab")))
  }

  @Test func flushingWaitsForNothing() {
    var queue = NotificationQueue()
    queue.append(chunk("a"), at: start)
    #expect(queue.next(at: start, flush: true) == publish(chunk("a")))
  }

  @Test func whatComesBetweenKeepsItsPlace() throws {
    var queue = NotificationQueue()
    queue.append(chunk("a"), at: start)
    queue.append(try other(1), at: start)
    queue.append(chunk("b"), at: start)
    queue.append(chunk("c"), at: start)
    queue.append(try other(2), at: start)
    #expect(queue.next(at: start) == publish(chunk("a"), try other(1), chunk("bc"), try other(2)))
  }

  @Test func onlyTheSameMessageIsJoined() {
    var queue = NotificationQueue()
    let chunks = [
      chunk("a"), chunk("b", message: "n"), chunk("c", message: nil),
      chunk("d", message: nil, kind: "agent_thought_chunk"),
      chunk("e", message: nil, kind: "agent_thought_chunk", session: "t"),
    ]
    for chunk in chunks { queue.append(chunk, at: start) }
    #expect(queue.next(at: start, flush: true) == .publish(chunks))
  }

  @Test(arguments: [
    #""content":{"type":"text","text":"x","annotations":{}},"sessionUpdate":"agent_message_chunk""#,
    #""content":{"type":"image","data":"x"},"sessionUpdate":"agent_message_chunk""#,
    #""content":{"type":"text","text":"x"},"sessionUpdate":"agent_message_chunk","_meta":{}"#,
    #""content":{"type":"text","text":"x"},"sessionUpdate":"tool_call""#,
    #""content":{"type":"text"},"sessionUpdate":"agent_message_chunk""#,
  ])
  func whatHoldsMoreThanTextIsLeftAlone(_ update: String) throws {
    let text = try JSONText(
      validating: #"{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{\#(update)}}}"#)
    var queue = NotificationQueue()
    queue.append(text, at: start)
    queue.append(text, at: start)
    #expect(queue.next(at: start) == .publish([text, text]))
  }

  @Test func aSinglePieceStaysAsItWasWritten() throws {
    let text = try JSONText(
      validating:
        #"{"params":{"update":{"content":{"text":"\u0061","type":"text"},"sessionUpdate":"agent_message_chunk"},"sessionId":"s"},"method":"session/update"}"#
    )
    var queue = NotificationQueue()
    queue.append(text, at: start)
    #expect(queue.next(at: start, flush: true) == .publish([text]))
  }

  @Test func whatTravelsIsOnOneLine() throws {
    var queue = NotificationQueue()
    queue.append(try JSONText(validating: "{\n \"a\": [1,\r\n 2] }"), at: start)
    #expect(queue.next(at: start) == publish(try JSONText(validating: #"{"a":[1,2]}"#)))
  }

  @Test func joiningStopsAtALimit() {
    var limits = NotificationQueue.Limits()
    limits.textBytes = 4
    var queue = NotificationQueue(limits: limits)
    for text in ["ab", "cd", "e"] { queue.append(chunk(text), at: start) }
    #expect(queue.next(at: start, flush: true) == publish(chunk("abcd"), chunk("e")))
  }

  @Test func batchesAreBoundedInNumberAndBytes() throws {
    var limits = NotificationQueue.Limits()
    limits.batchCount = 2
    var queue = NotificationQueue(limits: limits)
    for number in 1...3 { queue.append(try other(number), at: start) }
    #expect(queue.next(at: start) == publish(try other(1), try other(2)))
    #expect(queue.next(at: start) == publish(try other(3)))
    limits.batchCount = 100
    limits.batchBytes = try other(1).bytes.readableBytes * 2
    queue = NotificationQueue(limits: limits)
    for number in 1...2 { queue.append(try other(number), at: start) }
    #expect(queue.next(at: start) == publish(try other(1)))
    #expect(queue.next(at: start) == publish(try other(2)))
  }

  @Test func aFullQueueSaysSo() throws {
    var limits = NotificationQueue.Limits()
    limits.count = 2
    var queue = NotificationQueue(limits: limits)
    #expect(!queue.isFull)
    for number in 1...2 { queue.append(try other(number), at: start) }
    #expect(queue.isFull)
    _ = queue.next(at: start)
    #expect(!queue.isFull && queue.isEmpty)
    limits.count = 100
    limits.bytes = 60
    queue = NotificationQueue(limits: limits)
    for number in 1...2 { queue.append(try other(number), at: start) }
    #expect(queue.isFull)
    _ = queue.next(at: start)
    #expect(!queue.isFull)
  }

  /// What comes out is what went in, however time passes and batches are cut.
  @Test func textIsNeverLostOrMoved() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<10 {
      var limits = NotificationQueue.Limits()
      limits.textBytes = Int.random(in: 1...20, using: &generator)
      limits.batchCount = Int.random(in: 1...4, using: &generator)
      var queue = NotificationQueue(limits: limits)
      var now = start
      var expected = ""
      var actual = ""
      func take(flush: Bool) {
        while case .publish(let batch) = queue.next(at: now, flush: flush) {
          for text in batch { actual += text["params"]?["update"]?["content"]?["text"]?.string ?? "?" }
        }
      }
      for number in 0..<50 {
        let text = "\(number),"
        expected += text
        queue.append(chunk(text, message: "\(Int.random(in: 0...1, using: &generator))"), at: now)
        now += .milliseconds(Int.random(in: 0...20, using: &generator))
        if Bool.random(using: &generator) { take(flush: false) }
      }
      take(flush: true)
      #expect(actual == expected)
    }
  }
}
