import NIOCore
import SharedSessions
import Testing

/// What viewers do not see, and when.
@Suite struct VisibilityTests {
  private func reduced(_ update: String, type: String = "host_session_update") -> String? {
    let event =
      #"{"type":"\#(type)","payload":{"notification":{"method":"session/update","params":{"update":\#(update)}}}}"#
    return ViewerReduction.event(type, ByteBuffer(string: event)).map { String(buffer: $0) }
  }

  private func event(_ update: String) -> String {
    #"{"type":"host_session_update","payload":{"notification":{"method":"session/update","params":{"update":\#(update)}}}}"#
  }

  @Test(arguments: [
    #"{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"\"rawInput\":1"}}"#,
    #"{"sessionUpdate":"tool_call","toolCallId":"rawInput","title":"agent_thought_chunk","content":[{"rawInput":1}]}"#,
    #"{ "sessionUpdate" : "plan" , "entries" : [ ] , "n" : 1.50 }"#, #"{"unknown":"agent_thought_chunk"}"#, "{}",
  ])
  func whatHoldsNothingOfTheKindStaysByteForByte(update: String) {
    #expect(reduced(update) == event(update))
  }

  @Test(arguments: [
    (
      #"{"sessionUpdate":"tool_call","rawInput":{"path":"/etc"},"title":"t"}"#,
      #"{"sessionUpdate":"tool_call","title":"t"}"#
    ),
    (#"{"rawOutput":"x","sessionUpdate":"tool_call_update"}"#, #"{"sessionUpdate":"tool_call_update"}"#),
    (
      #"{"sessionUpdate":"tool_call","raw\u0049nput":1,"rawInput":2,"a":[ 1 ]}"#,
      #"{"sessionUpdate":"tool_call","a":[ 1 ]}"#
    ),
    (#"{"sessionUpdate":"new","toolCall":{"rawInput":1,"id":2}}"#, #"{"sessionUpdate":"new","toolCall":{"id":2}}"#),
  ])
  func rawInputAndOutputAreTakenOut(update: String, rest: String) {
    #expect(reduced(update) == event(rest))
  }

  @Test(arguments: [
    #"{"sessionUpdate":"agent_thought_chunk"}"#, #"{"sessionUpdate":"agent_th\u006fught_chunk"}"#,
    #"{"sessionUpdate":"agent_thought_chunk","sessionUpdate":"plan"}"#,
    #"{"sessionUpdate":"plan","sessionUpdate":"agent_thought_chunk"}"#, #"{"sessionUpdate":1}"#,
    #"{"sessionUpdate":null}"#, "[]", "null", "1", #""agent_thought_chunk""#, #"{"toolCall":[{"rawInput":1}]}"#, "{",
    "",
    String(repeating: "[", count: 600) + String(repeating: "]", count: 600),
  ])
  func thoughtsAndWhatCannotBeUnderstoodAreWithheld(update: String) {
    #expect(reduced(update) == nil)
  }

  @Test func everyDuplicateOnTheWayIsLookedInto() {
    let json =
      #"{"payload":{"notification":{"params":{"update":{"sessionUpdate":"agent_thought_chunk"}},"params":{}}},"payload":{}}"#
    #expect(ViewerReduction.event("host_session_update", ByteBuffer(string: json)) == nil)
  }

  @Test func approvalsLoseWhatIsRawInTheirToolCall() {
    let approval =
      #"{"id":"a","prompt":"rawInput","toolCall":{"title":"t","rawInput":{"a":1},"content":[]},"options":[]}"#
    let rest = #"{"id":"a","prompt":"rawInput","toolCall":{"title":"t","content":[]},"options":[]}"#
    for type in ["permission_requested", "permission_resolved", "prompt_expired", "nobody_knows_this_yet"] {
      let seen = ViewerReduction.event(type, ByteBuffer(string: #"{"payload":{"approval":\#(approval)}}"#))
      #expect(seen == ByteBuffer(string: #"{"payload":{"approval":\#(rest)}}"#), "\(type)")
    }
    let list = ViewerReduction.approvals(ByteBuffer(string: #"[\#(approval),{"toolCall":1},{"id":"b"}]"#))
    #expect(list == ByteBuffer(string: #"[\#(rest),{"id":"b"}]"#))
    #expect(ViewerReduction.approvals(ByteBuffer(string: "nonsense")) == ByteBuffer(string: "[]"))
  }

  @Test func onlyEventsThatNeverHoldAnythingOfTheAgentsAreNotLookedInto() {
    for type in EventTypes.written {
      let holdsApproval = type.hasPrefix("prompt_") && !type.hasPrefix("prompt_dispatch")
      let isAsked = type.hasPrefix("permission_") || type.hasPrefix("question_")
      let isLookedInto = type == "host_session_update" || isAsked || holdsApproval
      #expect(ViewerReduction.concerns(type) == isLookedInto, "\(type)")
    }
  }

  // MARK: When

  private func id(_ number: UInt64) -> EventID { EventID(milliseconds: number, sequence: 0) }

  @Test func viewersAndReadersWithoutCredentialsSeeLessAndNobodyElse() {
    func view(_ role: Role?, _ updates: ViewerUpdates) -> Bool {
      EventVisibility(participantID: "p", role: role, viewerUpdates: updates, asOf: id(1)).isReduced
    }
    #expect(view(.viewer, .reduced))
    #expect(view(nil, .reduced))
    for role in [Role.host, .collaborator] { #expect(!view(role, .reduced)) }
    for role in [Role.host, .collaborator, .viewer, nil] { #expect(!view(role, .all)) }
    var everything = EventVisibility.everything
    everything.passed(.viewerUpdates(.reduced), at: id(1))
    #expect(!everything.isReduced)
  }

  @Test func olderEventsThanTheViewChangeNothing() {
    var view = EventVisibility(participantID: "p", role: .viewer, viewerUpdates: .reduced, asOf: id(5))
    view.passed(.viewerUpdates(.all), at: id(5))
    #expect(view.isReduced)
    view.passed(.role(.collaborator, participantID: "q"), at: id(6))
    #expect(view.isReduced)
    view.passed(.role(.collaborator, participantID: "p"), at: id(7))
    #expect(!view.isReduced)
    view.passed(.role(.viewer, participantID: "p"), at: id(6))
    #expect(!view.isReduced)
  }

  @Test func anEventThatCannotBeUnderstoodChangesToTheLeast() {
    func change(_ type: String, _ json: String, subject: String? = "p") -> VisibilityChange? {
      VisibilityChange(type, subject: subject, ByteBuffer(string: json))
    }
    #expect(change("participant_updated", "{") == .role(.viewer, participantID: "p"))
    #expect(
      change("participant_updated", #"{"payload":{"participant":{"role":"owner"}}}"#)
        == .role(.viewer, participantID: "p"))
    #expect(
      change("participant_updated", #"{"payload":{"participant":{"role":"host"}}}"#) == .role(.host, participantID: "p")
    )
    #expect(change("session_updated", "nonsense") == .viewerUpdates(.reduced))
    #expect(change("session_updated", #"{"payload":{"session":{"viewerUpdates":7}}}"#) == .viewerUpdates(.reduced))
    #expect(change("session_updated", #"{"payload":{"session":{"viewerUpdates":"all"}}}"#) == .viewerUpdates(.all))
    #expect(change("session_updated", #"{"payload":{"session":{}}}"#) == nil)
    #expect(change("message_created", "{}") == nil)
  }
}
