import Basics
import JSONText
import NIOCore
import Testing

@testable import AgentClientProtocol

/// A question that only names its tool call is asked with all that the agent has said of it.
struct RecentToolCallsTests {
  private func update(_ fields: String, kind: String = "tool_call_update", session: String = "s") throws
    -> AgentNotification
  {
    let text = try JSONText(
      validating:
        #"{"method":"session/update","params":{"sessionId":"\#(session)","update":{"sessionUpdate":"\#(kind)",\#(fields)}}}"#
    )
    return try #require(AgentNotification(text))
  }

  private func complete(_ calls: RecentToolCalls, _ toolCall: String, session: String = "s") throws -> String {
    "\(calls.complete(try JSONText(validating: toolCall), sessionID: session))"
  }

  @Test func whatWasSaidBeforeIsPartOfTheQuestion() throws {
    var calls = RecentToolCalls(maximumCalls: 10, maximumBytes: 10_000)
    calls.note(
      try update(
        #""toolCallId":"c","title":"Run","kind":"execute","status":"pending","rawOutput":1"#, kind: "tool_call"))
    calls.note(try update(#""toolCallId":"c","rawInput":{"command":"rm"},"title":null"#))
    calls.note(try update(#""toolCallId":"other","rawInput":"x""#))
    #expect(
      try complete(calls, #"{"toolCallId":"c"}"#)
        == #"{"toolCallId":"c","title":"Run","kind":"execute","rawInput":{"command":"rm"}}"#)
    // The question itself counts more, and what is null says nothing.
    #expect(
      try complete(calls, #"{"toolCallId":"c","title":"Really run","rawInput":null,"kind":"other","more":1}"#)
        == #"{"toolCallId":"c","title":"Really run","kind":"other","more":1,"rawInput":{"command":"rm"}}"#)
    for (toolCall, session) in [
      (#"{ "toolCallId":"none"}"#, "s"), (#"{ "toolCallId":"c"}"#, "other session"), (#"{ }"#, "s"),
    ] {
      #expect(try complete(calls, toolCall, session: session) == toolCall)
    }
  }

  @Test func aNewCallOfTheSameIdForgetsTheOldOne() throws {
    var calls = RecentToolCalls(maximumCalls: 10, maximumBytes: 10_000)
    calls.note(try update(#""toolCallId":"c","title":"Old","rawInput":"old""#, kind: "tool_call"))
    calls.note(try update(#""toolCallId":"c","title":"New""#, kind: "tool_call"))
    #expect(try complete(calls, #"{"toolCallId":"c"}"#) == #"{"toolCallId":"c","title":"New"}"#)
  }

  @Test func whatIsTooLargeToBeKeptIsMarked() throws {
    var calls = RecentToolCalls(maximumCalls: 10, maximumBytes: 1_000)
    let large = String(repeating: "x", count: 600)
    calls.note(try update(#""toolCallId":"c","title":"T","rawInput":"\#(large)""#, kind: "tool_call"))
    let marked =
      #"{"toolCallId":"c","title":"T","_meta":{"tandem":{"cut":[{"field":"rawInput","bytes":602}]}}}"#
    #expect(try complete(calls, #"{"toolCallId":"c"}"#) == marked)
    calls.note(try update(#""toolCallId":"c","status":"in_progress""#))
    #expect(try complete(calls, #"{"toolCallId":"c"}"#) == marked)
    // It is no longer missing when it is said again.
    calls.note(try update(#""toolCallId":"c","rawInput":"short""#))
    #expect(try complete(calls, #"{"toolCallId":"c"}"#) == #"{"toolCallId":"c","title":"T","rawInput":"short"}"#)
  }

  @Test func oldCallsGiveWayAndSayWhatIsMissing() throws {
    var calls = RecentToolCalls(maximumCalls: 3, maximumBytes: 1_000)
    let text = String(repeating: "x", count: 400)
    for name in ["a", "b", "c"] {
      calls.note(try update(#""toolCallId":"\#(name)","rawInput":"\#(text)""#, kind: "tool_call"))
    }
    #expect(
      try complete(calls, #"{"toolCallId":"a","_meta":{"x":1,"tandem":{"y":2}}}"#)
        == #"{"toolCallId":"a","_meta":{"x":1,"tandem":{"cut":[{"field":"rawInput","bytes":402}]}}}"#)
    #expect(try complete(calls, #"{"toolCallId":"c"}"#) == #"{"toolCallId":"c","rawInput":"\#(text)"}"#)
    calls.note(try update(#""toolCallId":"d","title":"d""#, kind: "tool_call"))
    #expect(try complete(calls, #"{"toolCallId":"a"}"#) == #"{"toolCallId":"a"}"#)
    let endless = String(repeating: "i", count: 5_000)
    calls.note(try update(#""toolCallId":"\#(endless)","title":"d""#, kind: "tool_call"))
    #expect(try complete(calls, #"{"toolCallId":"\#(endless)"}"#) == #"{"toolCallId":"\#(endless)"}"#)
  }

  @Test func theConnectionAsksWithWhatItHasHeard() throws {
    var machine = AgentConnectionStateMachine<String>(limits: .init())
    func receive(_ line: String) -> [AgentConnectionStateMachine<String>.Action] {
      machine.receive(.complete(ByteBuffer(string: line)))
    }
    _ = receive("\(try update(#""toolCallId":"c","title":"Run rm","rawInput":["rm"]"#, kind: "tool_call").text)")
    let actions = receive(
      #"{"id":0,"method":"session/request_permission","params":{"sessionId":"s","toolCall":{"toolCallId":"c"},"options":[]}}"#
    )
    guard case .askPermission(let request)? = actions.first else {
      Issue.record("nothing is asked")
      return
    }
    #expect(request.title == "Run rm")
    #expect("\(request.toolCall)" == #"{"toolCallId":"c","title":"Run rm","rawInput":["rm"]}"#)
    // For people who are not to see the agent's tool calls.
    let kept = request.withoutEarlierUpdates
    #expect(kept.title == "c")
    #expect(
      "\(kept.toolCall)"
        == #"{"toolCallId":"c","_meta":{"tandem":{"cut":[{"field":"title","bytes":8},{"field":"rawInput","bytes":6}]}}}"#
    )
  }

  @Test func marksAreReadWhateverStandsThere() throws {
    func cuts(_ meta: String) throws -> [ToolCallCut] {
      ToolCallCut.cuts(of: try JSONText(validating: #"{"_meta":\#(meta)}"#))
    }
    #expect(
      try cuts(#"{"tandem":{"cut":[{"field":"f","bytes":3},{"field":"g"},{},4]}}"#)
        == [ToolCallCut(field: "f", bytes: 3), ToolCallCut(field: "g", bytes: 0)])
    for meta in ["null", "{}", #"{"tandem":[]}"#, #"{"tandem":{"cut":{}}}"#] { #expect(try cuts(meta).isEmpty) }
  }
}
