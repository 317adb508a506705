import JSONText
import NIOCore
import Testing

@testable import SharedSessions

/// Reading what notifications change, without Redis.
@Suite struct AgentChangesTests {
  private func lines(_ notifications: String..., limits: AgentChanges.Limits = .init(partBytes: 200, entries: 3)) throws
    -> [String]
  {
    var changes = AgentChanges(limits)
    for (index, text) in notifications.enumerated() {
      changes.note(
        try JSONText(validating: #"{"method":"session/update","params":{"sessionId":"s","update":\#(text)}}"#),
        number: index + 1)
    }
    return String(buffer: changes.text).split(separator: "\n").map(String.init)
  }

  @Test func theLastChangeOfAPartCounts() throws {
    #expect(
      try lines(
        #"{"sessionUpdate":"plan","entries":[{"a":1}]}"#,
        #"{"sessionUpdate":"current_mode_update","currentModeId":"m"}"#,
        #"{"sessionUpdate":"plan","entries":[]}"#) == [#"2 agent:mode "m""#, "3 agent:plan []"])
  }

  @Test func otherUpdatesChangeNothing() throws {
    #expect(
      try lines(
        #"{"sessionUpdate":"agent_message_chunk","content":{}}"#, #"{"sessionUpdate":"never_heard_of"}"#, "{}", "[]",
        #"{"sessionUpdate":7}"#, #"{"sessionUpdate":"agent_thought_chunk","sessionUpdate":"plan","entries":[{}]}"#
      ).isEmpty)
    var changes = AgentChanges(.init(partBytes: 10, entries: 1))
    for text in [
      "{}", "7", #"{"method":"session/update"}"#, #"{"method":"_tandem/agent"}"#, #"{"method":"_other","params":{}}"#,
    ] {
      changes.note(try JSONText(validating: text), number: 1)
    }
    #expect(changes.text.readableBytes == 0)
  }

  @Test func whatIsTooLargeIsCutAndMarkedByABlank() throws {
    #expect(
      try lines(
        #"{"sessionUpdate":"plan","entries":[{"a":1},{"a":2},7,{"a":3},{"a":4}]}"#,
        #"{"sessionUpdate":"usage_update","used":1,"x":"\#(String(repeating: "y", count: 200))"}"#) == [
          "2 agent:usage  ", #"1 agent:plan  [{"a":1},{"a":2},{"a":3}]"#,
        ])
  }

  @Test func choicesAreFoundByTheirTextAlone() throws {
    let options = #"""
      {"sessionUpdate":"config_option_update","configOptions":[{"id":"m","type":"select","options":[{"value":"a"},{"value":"b\"c"}]},
      {"id":"g","options":[{"group":"x","name":"X","options":[{"value":"d"}]}]},{"id":"f","type":"boolean"},{"id":"u","type":"slider"},
      {"id":""},{"name":"none"}]}
      """#
    let found = try lines(options.split(separator: "\n").joined(), limits: .init(partBytes: 2_000, entries: 9))
    #expect(
      found.last
        == "1 agent:optionValues \u{1E}\"m\"\t\"a\"\t\"b\\\"c\"\t\u{1E}\"g\"\t\"d\"\t\u{1E}\"f\"\ttrue\tfalse\t\u{1E}\"u\"\t"
    )
  }
}
