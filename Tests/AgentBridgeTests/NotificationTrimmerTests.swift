import AgentClientProtocol
import JSONText
import Testing

@testable import AgentBridge

/// Updates that no node would take, and updates nobody should see.
struct NotificationTrimmerTests {
  private func update(_ fields: String) throws -> JSONText {
    try JSONText(
      validating: #"{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{\#(fields)}}}"#,
      maximumDepth: 128)
  }

  @Test func whatFitsIsNotTouched() throws {
    let text = try update(#""sessionUpdate":"tool_call","rawInput":{"a":[1]},"_meta":{"x":1}"#)
    #expect(NotificationTrimmer.fit(text, maximumBytes: 1_000) == text)
  }

  @Test func largePartsAreTakenOut() throws {
    let image = String(repeating: "A", count: 10_000)
    let text = try update(#""sessionUpdate":"tool_call","toolCallId":"c","rawOutput":"\#(image)","status":"completed""#)
    let expected = try update(
      #""sessionUpdate":"tool_call","toolCallId":"c","status":"completed","_meta":{"tandem":{"truncated":true}}"#)
    #expect(NotificationTrimmer.fit(text, maximumBytes: 8_000) == expected)
  }

  @Test func deepPartsAreTakenOut() throws {
    let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
    let text = try update(#""sessionUpdate":"tool_call","rawInput":\#(deep)"#)
    let fitting = NotificationTrimmer.fit(text, maximumBytes: 8_000)
    #expect(fitting == (try update(#""sessionUpdate":"tool_call","_meta":{"tandem":{"truncated":true}}"#)))
  }

  @Test func whatCannotBeSavedIsDropped() throws {
    let fields = (0..<10).map { #""f\#($0)":"\#(String(repeating: "A", count: 3_000))""# }.joined(separator: ",")
    #expect(NotificationTrimmer.fit(try update(fields), maximumBytes: 8_000) == nil)
    #expect(NotificationTrimmer.fit(JSONText(string: String(repeating: "A", count: 100)), maximumBytes: 10) == nil)
  }

  @Test func theHostKeepsKindsToThemselves() throws {
    let filter = UpdateFilter(hiding: ["thoughts", "tools", "made_up"])
    func allows(_ kind: String) throws -> Bool {
      filter.allows(try #require(AgentNotification(try update(#""sessionUpdate":"\#(kind)""#))))
    }
    for kind in ["agent_thought_chunk", "tool_call", "tool_call_update", "made_up"] { #expect(try !allows(kind)) }
    for kind in ["agent_message_chunk", "plan", "new"] { #expect(try allows(kind)) }
    let everything = UpdateFilter()
    #expect(everything.allows(try #require(AgentNotification(try update(#""sessionUpdate":"agent_thought_chunk""#)))))
  }
}
