import HTTPGateway
import SharedSessions
import TestSupport
import Testing

/// Texts are stored trimmed at both ends, as in the original API.
@Suite struct TrimmingTests {
  @Test func whiteSpaceAroundATextIsNotStored() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let guest = try await scenario.join()
      let said = try await scenario.comment(#" \t\n a  b\n \r\n\u00a0"#)
      #expect(try said.text("message", "text") == "a  b")
      let proposed = try await scenario.call("POST", "/prompts", #"{"prompt":"\n\n do it \n"}"#, as: guest)
      #expect(try proposed.text("approval", "prompt") == "do it")
      let path = "/approvals/\(try proposed.text("approval", "id"))"
      let blank = try await scenario.call("POST", path, #"{"action":"approve","editedPrompt":" \n "}"#)
      #expect(try blank.errorCode == "INVALID_FIELD")
      let approved = try await scenario.call("POST", path, #"{"action":"approve","editedPrompt":"  do that\t"}"#)
      #expect(try approved.text("approval", "editedPrompt") == "do that")
    }
  }

  @Test func theHashOfAPromptIsOfWhatIsStored() async throws {
    // SHA-256 of " do it " and of "do it".
    let sent = "18882a5e94724198fe626acee448920b0cfe51e9496da9da425e185b661c0fb8"
    let stored = "f51c362d5cc7defb17b2b1290bb8e9b5a4d7e1319f85b90741ff3f8578fc6bba"
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let proposed = try await scenario.call(
        "POST", "/prompts", #"{"prompt":" do it "}"#, as: try await scenario.join())
      let path = "/approvals/\(try proposed.text("approval", "id"))"
      let changed = try await scenario.call("POST", path, #"{"action":"approve","promptHash":"\#(sent)"}"#)
      #expect(try changed.errorCode == "PROMPT_CHANGED")
      #expect(try await scenario.call("POST", path, #"{"action":"approve","promptHash":"\#(stored)"}"#).status == 200)
    }
  }

  @Test func whatIsTrimmedDoesNotCount() async throws {
    try await withGateway({ ($0.fieldRules.messageText, $0.fieldRules.prompt) = (4, 4) }) { gateway in
      let scenario = try await Scenario(gateway)
      let space = String(repeating: " ", count: 1_000)
      #expect(try await scenario.comment("\(space)four\(space)").status == 200)
      #expect(try await scenario.comment("fivee").errorCode == "INVALID_FIELD")
      #expect(try await scenario.comment(space).errorCode == "EMPTY_MESSAGE")
      let prompt = try await scenario.call("POST", "/prompts", #"{"prompt":"\#(space)four\#(space)"}"#)
      #expect(prompt.status == 200)
      let long = try await scenario.call("POST", "/prompts", #"{"prompt":"fivee"}"#)
      #expect(try long.errorCode == "INVALID_FIELD")
      #expect(try await scenario.call("POST", "/prompts", #"{"prompt":"\#(space)"}"#).errorCode == "EMPTY_PROMPT")
    }
  }
}
