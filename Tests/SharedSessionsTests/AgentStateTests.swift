import JSONText
import NIOCore
import Testing

@testable import SharedSessions

/// What a session keeps of its agent, against a real Redis.
@Suite struct AgentStateTests {
  private static let introduction = #"""
    {"name":"Coder","version":"2","capabilities":{"loadSession":true},"modes":{"currentModeId":"ask","availableModes":
    [{"id":"ask","name":"Ask"},{"id":"code","name":"Code"}]},"configOptions":[{"id":"model","name":"Model","type":"select",
    "currentValue":"small","options":[{"value":"small","name":"Small"},{"value":"large","name":"Large"}]}]}
    """#

  private func register(_ world: World, _ text: String = introduction) async throws -> (id: String, token: String) {
    let agent = AgentIntroduction(try JSONText(validating: text))
    let reply = try await world.one.hostSessions.register(
      RegisterHostSession(userID: "hana", agentName: agent.name, agentVersion: agent.version, agent: agent))
    let body = try json(reply.body)
    return (try need(body["hostSession"]?["id"]?.string), try need(body["hostToken"]?.string))
  }

  private func agent(_ world: World, _ id: String, _ reader: Reader = .trusted) async throws -> JSONText {
    try need(try json(await world.two.sessions.snapshot(id, reader: reader))["agent"])
  }

  private func update(_ kind: String, _ fields: String) throws -> JSONText {
    try JSONText(
      validating:
        #"{"method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"\#(kind)",\#(fields)}}}"#)
  }

  private func notify(
    _ world: World, _ host: (id: String, token: String), _ notifications: [JSONText], key: String? = nil,
    firstLine: Int? = nil
  ) async throws {
    let request = key.map {
      IdempotencyRequest(key: $0, route: "POST notifications", caller: "bridge", body: ByteBuffer(string: $0))
    }
    _ = try await world.one.hostSessions.notify(
      host.id, token: host.token, notifications: notifications, idempotency: request, firstLine: firstLine)
  }

  @Test func aSessionWhoseHostSaysNothingHasAnAgentWithoutAnything() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      #expect(try await agent(world, shared.id).description == #"{"capabilities":{}}"#)
    }
  }

  @Test func whatTheBridgeSaysIsThereInEverySessionAndChangesWithTheUpdates() async throws {
    try await withWorld { world in
      let host = try await register(world)
      let first = try await world.share(host: host)
      var state = try await agent(world, first.id)
      #expect(state["name"]?.string == "Coder")
      #expect(state["version"]?.string == "2")
      #expect(state["capabilities"]?["loadSession"]?.bool == true)
      #expect(state["mode"]?.string == "ask")
      #expect(state["modes"]?.elements.compactMap { $0["id"]?.string } == ["ask", "code"])
      #expect(state["options"]?.elements.first?["currentValue"]?.string == "small")
      #expect(state["commands"] == nil)
      try await notify(
        world, host,
        [
          update("plan", #""entries":[{"content":"one"}]"#), update("current_mode_update", #""currentModeId":"code""#),
          update("available_commands_update", #""availableCommands":[{"name":"web","description":"d"}]"#),
          update("usage_update", #""used":5,"size":10,"rawInput":"secret""#),
          update("session_info_update", #""title":"About it""#), update("plan", #""entries":[{"content":"two"}]"#),
          update("agent_message_chunk", #""content":{"type":"text","text":"plan"}"#),
        ])
      // A session that is shared later begins with what is so now.
      let second = try await world.share(host: host)
      for id in [first.id, second.id] {
        state = try await agent(world, id)
        #expect(state["mode"]?.string == "code")
        #expect(state["commands"]?.description == #"[{"name":"web","description":"d"}]"#)
        #expect(state["usage"]?.description == #"{"used":5,"size":10,"rawInput":"secret"}"#)
        #expect(state["title"]?.string == "About it")
        #expect(state["plan"]?.description == #"[{"content":"two"}]"#)
        #expect(state["truncated"] == nil)
      }
      try await notify(world, host, [update("session_info_update", #""title":null"#)])
      #expect(try await agent(world, first.id)["title"] == nil)
      // Another update of the same kind that says nothing of the title leaves it.
      try await notify(world, host, [update("session_info_update", #""title":"Back""#)])
      try await notify(world, host, [update("session_info_update", #""updatedAt":"now""#)])
      #expect(try await agent(world, first.id)["title"]?.string == "Back")
    }
  }

  @Test func anAgentThatIsOpenedAnewTakesWhatBelongedToItsConversationAlong() async throws {
    try await withWorld { world in
      let host = try await register(world)
      let shared = try await world.share(host: host)
      try await notify(
        world, host,
        [update("session_info_update", #""title":"Old""#), update("plan", #""entries":[{"content":"old"}]"#)])
      func introduce(_ params: String) async throws -> JSONText {
        try await notify(world, host, [try JSONText(validating: #"{"method":"_tandem/agent","params":\#(params)}"#)])
        return try await agent(world, shared.id)
      }
      let continued = try await introduce(#"{"name":"Coder","capabilities":{},"continued":true}"#)
      #expect(continued["title"]?.string == "Old")
      #expect(continued["modes"] == nil)
      #expect(continued["mode"] == nil)
      #expect(continued["version"] == nil)
      let anew = try await introduce(#"{"name":"Coder","capabilities":{"a":1}}"#)
      #expect(anew.description == #"{"capabilities":{"a":1},"name":"Coder"}"#)
      #expect(try await world.types(shared.id).count { $0 == "host_session_update" } == 4)
    }
  }

  @Test func aRegistrationAgainTellsTheSessionsWhatIsNew() async throws {
    try await withWorld { world in
      let host = try await register(world)
      let shared = try await world.share(host: host)
      func again(_ text: String) async throws {
        let agent = AgentIntroduction(try JSONText(validating: text))
        _ = try await world.two.hostSessions.register(
          RegisterHostSession(
            userID: "hana", hostSessionID: host.id, agentName: agent.name, agentVersion: agent.version, agent: agent,
            hostToken: host.token))
      }
      try await again(Self.introduction)
      #expect(try await !world.types(shared.id).contains("host_session_update"))
      try await again(#"{"name":"Coder","version":"3"}"#)
      #expect(try await agent(world, shared.id).description == #"{"capabilities":{},"name":"Coder","version":"3"}"#)
      #expect(try await world.events(shared.id).last?.payload["notification"]?["method"]?.string == "_tandem/agent")
    }
  }

  /// What a repeat says may be old by then.
  @Test func aRepeatedBatchChangesNothing() async throws {
    try await withWorld { world in
      let host = try await register(world)
      let shared = try await world.share(host: host)
      let old = [try update("session_info_update", #""title":"Old""#)]
      try await notify(world, host, old, key: "one")
      try await notify(world, host, [update("session_info_update", #""title":"New""#)], key: "two")
      try await notify(world, host, old, key: "one")
      let later = try await world.share(host: host)
      for id in [shared.id, later.id] { #expect(try await agent(world, id)["title"]?.string == "New") }
    }
  }

  /// Of an upload in pieces that is sent again, differently cut, only lines that were not there count.
  @Test func aRepeatedUploadAppliesOnlyItsNewLines() async throws {
    try await withWorld { world in
      let host = try await register(world)
      let shared = try await world.share(host: host)
      func title(_ text: String) throws -> JSONText { try update("session_info_update", #""title":"\#(text)""#) }
      let plan = try update("plan", #""entries":[]"#)
      try await notify(world, host, [title("a"), plan], key: "up", firstLine: 1)
      try await notify(world, host, [title("b")], key: "up", firstLine: 3)
      try await notify(world, host, [title("else")])
      try await notify(world, host, [title("a")], key: "up", firstLine: 1)
      try await notify(
        world, host, [plan, title("b"), update("usage_update", #""used":1,"size":2"#)], key: "up", firstLine: 2)
      let later = try await world.share(host: host)
      for id in [shared.id, later.id] {
        let state = try await agent(world, id)
        #expect(state["title"]?.string == "else")
        #expect(state["usage"]?["used"]?.integer == 1)
      }
    }
  }

  @Test func itStaysWhenItsEventsAreGone() async throws {
    try await withWorld(configure: { $0.eventsRetained = 100 }) { world in
      let host = try await register(world)
      let shared = try await world.share(host: host)
      try await notify(world, host, [update("plan", #""entries":[{"content":"kept"}]"#)])
      let chunk = try update("agent_message_chunk", #""content":{"type":"text","text":"x"}"#)
      for _ in 0..<3 { try await notify(world, host, Array(repeating: chunk, count: 200)) }
      let page = try await world.one.events.page(shared.id, after: "earliest", limit: 1_000)
      #expect(!page.events.isEmpty && !page.events.contains { String(buffer: $0.data).contains("kept") })
      #expect(try await agent(world, shared.id)["plan"]?.description == #"[{"content":"kept"}]"#)
    }
  }

  /// However much an agent says, and however often, a session keeps no more of it than its bounds.
  @Test func aFloodStaysWithinItsBounds() async throws {
    try await withWorld(configure: { ($0.agentPartBytes, $0.agentListEntries) = (2_048, 10) }) { world in
      let host = try await register(world)
      let shared = try await world.share(host: host)
      let long = String(repeating: "x", count: 3_000)
      for round in 1...5 {
        let names = (0..<(100 * round)).map { #"{"name":"command\#($0)","description":""}"# }
        let values = (0..<(100 * round)).map { #"{"value":"v\#($0)"}"# }.joined(separator: ",")
        try await notify(
          world, host,
          [
            update("available_commands_update", #""availableCommands":[\#(names.joined(separator: ","))]"#),
            update("config_option_update", #""configOptions":[{"id":"o","options":[\#(values)]},{"id":"p"}]"#),
            update("plan", #""entries":[{"content":"\#(long)"},{"content":"small"}]"#),
            update("usage_update", #""used":1,"size":2,"more":"\#(long)""#),
            update("session_info_update", #""title":"\#(long)""#),
            update("current_mode_update", #""currentModeId":"\#(long)""#),
          ])
      }
      let state = try await agent(world, shared.id)
      #expect(state["commands"]?.elements.count == 10)
      #expect(state["options"]?.elements.isEmpty == true)
      #expect(state["plan"]?.elements.isEmpty == true)
      #expect(state["usage"] == nil)
      #expect(state["mode"] == nil)
      #expect(state["title"]?.string?.count == AgentChanges.longestText)
      #expect(state["truncated"]?.bool == true)
      #expect(state.bytes.readableBytes < 10 * 2_048)
    }
  }

  @Test func viewersGetItReduced() async throws {
    try await withWorld { world in
      let host = try await register(world)
      let shared = try await world.share(host: host)
      let viewer = try await world.join(shared, "v", role: .viewer)
      try await notify(world, host, [update("usage_update", #""used":5,"size":10,"rawOutput":"secret""#)])
      #expect(try await agent(world, shared.id, .participant(viewer))["usage"]?["rawOutput"] != nil)
      _ = try await world.two.sessions.update(
        shared.id, credentials: shared.host, mode: nil, expiresInMinutes: nil, viewerUpdates: .reduced)
      let reduced = try await agent(world, shared.id, .participant(viewer))
      #expect(reduced["usage"]?.description == #"{"used":5,"size":10}"#)
      #expect(reduced["mode"]?.string == "ask")
      #expect(try await agent(world, shared.id, .participant(shared.host))["usage"]?["rawOutput"] != nil)
    }
  }

  @Test func theTurnThatRunsIsThereUntilItEnds() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      _ = try await world.prompt(shared, shared.host)
      try await withBridge(world, shared) { bridge in
        let dispatch = try await bridge.nextDispatch()
        #expect(try await agent(world, shared.id)["turn"] == nil)
        try await bridge.report(dispatch, .started)
        let turn = try need(try await agent(world, shared.id)["turn"])
        #expect(turn["dispatchId"] == dispatch["dispatchId"])
        #expect(turn["startedAt"]?.string?.count == 24)
        try await bridge.report(dispatch, .completed)
        #expect(try await agent(world, shared.id)["turn"] == nil)
      }
    }
  }
}
