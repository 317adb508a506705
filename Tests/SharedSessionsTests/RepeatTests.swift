import JSONText
import NIOCore
import TestSupport
import Testing

@testable import SharedSessions

/// Repeats under an Idempotency-Key that come when the world has changed meanwhile.
@Suite struct RepeatTests {
  private func request(_ route: String, _ body: String = "{}") -> IdempotencyRequest {
    IdempotencyRequest(key: "k1", route: route, caller: "somebody", body: ByteBuffer(string: body))
  }

  @Test func aRepeatedCancelStopsNoLaterTurn() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      func cancel() async throws -> Bool? {
        try json(
          await world.two.approvals.cancelTurn(
            shared.id, credentials: shared.host, idempotency: request("POST cancel")))["cancelling"]?.bool
      }
      #expect(try await cancel() == false)
      _ = try await world.one.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "go")
      try await withBridge(world, shared) { bridge in
        let dispatch = try await bridge.nextDispatch()
        try await bridge.report(dispatch, .started)
        #expect(try await cancel() == false)
        // A further dispatch would come next if the turn had not been left alone.
        try await bridge.report(dispatch, .completed)
        _ = try await world.one.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "next")
        #expect(try await bridge.nextDispatch()["prompt"]?.string == "next")
      }
      _ = try await world.one.sessions.close(shared.id, credentials: shared.host)
      #expect(try await cancel() == false)
    }
  }

  @Test func aRepeatedCreationDoesNotBringAClosedSessionBackToItsHost() async throws {
    try await withWorld(configure: { $0.maximumSessionsPerHost = 1 }) { world in
      let host = try await world.register()
      func create() async throws -> ByteBuffer {
        try await world.two.sessions.create(
          CreateSession(hostSessionID: host.id, hostUserID: "hana"), idempotency: request("POST create"))
      }
      let first = try await create()
      let created = try json(first)
      let id = try need(created["session"]?["id"]?.string)
      _ = try await world.one.sessions.close(id, credentials: try credentials(created["hostParticipant"]))
      #expect(try await create() == first)
      let listed = try json(await world.one.hostSessions.get(host.id))["hostSession"]?["sharedSessionIds"]
      #expect(listed?.elements.isEmpty == true)
      // The first answer also comes while there is no room for another session.
      _ = try await world.share(host: host)
      #expect(try await create() == first)
    }
  }

  @Test func aCreationWhoseKeyIsForgottenMakesAnotherSession() async throws {
    try await withWorld(configure: { $0.idempotencyLifetime = .milliseconds(1) }) { world in
      let host = try await world.register()
      func create() async throws -> String? {
        try json(
          await world.two.sessions.create(
            CreateSession(hostSessionID: host.id, hostUserID: "hana"), idempotency: request("POST create")))[
            "session"]?[
            "id"]?.string
      }
      let first = try await create()
      try await eventually("the key to be forgotten") { try await create() != first }
    }
  }

  @Test func theKeyOfAPermissionRequestIsTakenOverAllSessionsOfTheHost() async throws {
    try await withWorld { world in
      let host = try await world.register()
      let shares = [try await world.share(host: host), try await world.share(host: host)]
      for shared in shares {
        _ = try await world.two.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "go")
      }
      try await withBridge(world, shares[0]) { bridge in
        func ask(_ dispatch: JSONText) async throws -> ByteBuffer {
          let id = try need(dispatch["dispatchId"]?.string)
          let asked = PermissionRequest(
            dispatchID: id, summary: "x", toolCall: ByteBuffer(string: "{}"),
            options: ByteBuffer(string: #"[{"optionId":"y","name":"Y","kind":"allow_once"}]"#))
          return try await world.one.permissions.request(
            host.id, token: host.token, asked, idempotency: request("POST permissions", id))
        }
        let one = try await bridge.nextDispatch()
        try await bridge.report(one, .started)
        let first = try await ask(one)
        try await bridge.report(one, .completed)
        let two = try await bridge.nextDispatch()
        try await bridge.report(two, .started)
        #expect(try await code { _ = try await ask(two) } == .idempotencyKeyReused)
        #expect(try await ask(one) == first)
      }
    }
  }

  @Test func aTurnThatRunsWhenItsHostSessionIsRemovedIsRecordedAsLost() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      _ = try await world.two.approvals.submitPrompt(shared.id, credentials: shared.host, prompt: "go")
      try await withBridge(world, shared) { bridge in
        try await bridge.report(try await bridge.nextDispatch(), .started)
        _ = try await world.two.hostSessions.delete(shared.hostSessionID, token: shared.hostToken)
      }
      let events = try await world.events(shared.id)
      #expect(events.map(\.type).suffix(2) == ["session_closed", "prompt_dispatch_failed"])
      #expect(events.last?.payload["error"]?.string?.contains("outcome is unknown") == true)
    }
  }

  @Test func repeatedNotificationsReachNoSessionThatCameLater() async throws {
    try await withWorld { world in
      let host = try await world.register()
      func notify(_ text: String) async throws -> ByteBuffer {
        try await world.two.hostSessions.notify(
          host.id, token: host.token, notifications: [try JSONText(validating: text)],
          idempotency: request("POST notifications", text))
      }
      let first = try await notify(#"{"n":1}"#)
      let shared = try await world.share(host: host)
      #expect(try await notify(#"{"n":1}"#) == first)
      #expect(try await !world.types(shared.id).contains("host_session_update"))
      #expect(try await code { _ = try await notify(#"{"n":2}"#) } == .idempotencyKeyReused)
    }
  }
}
