import JSONText
import NIOCore
import RedisClient
import TestSupport
import Testing

@testable import SharedSessions

/// Every script on a session or a host session, while the slot of its keys moves from one primary of a cluster to another.
@Suite struct ClusterReadinessTests {
  @Test func whileASlotMovesAScriptDoesAllOrNothing() async throws {
    let recorded = try await Self.record()
    try await withCluster { cluster in
      for (tag, dump) in recorded.dumps {
        let calls = recorded.calls.filter { $0.keys[0].contains(tag) }
        #expect(calls.allSatisfy { $0.keys.allSatisfy { $0.contains(tag) } }, "keys of several slots")
        let move = try await SlotMove(cluster, tag: tag, dump: dump)
        for part in [0, 1, 2, 3] {
          var isPrepared = false
          for call in calls {
            for onTarget in [false, true] {
              if !isPrepared { try await move.prepare { key in Self.moves(key, part) } }
              isPrepared = true
              let before = try await move.state()
              // Nobody is sent to the target for a key that the source has.
              if onTarget, call.keys.count == 1, before.source[call.keys[0]] != nil { continue }
              let refusal = await move.run(call, onTarget: onTarget)
              let after = try await move.state()
              let what = "\(call.name), part \(part), on the \(onTarget ? "target" : "source")"
              if let refusal {
                #expect(["TRYAGAIN", "ASK", "MOVED"].contains(refusal), "\(what): \(refusal)")
                #expect(after == before, "\(what) has changed something before it was refused")
              } else {
                isPrepared = false
                let side = onTarget ? before.target : before.source
                #expect(Set(call.keys).isSubset(of: Set(side.keys)), "\(what) ran on a part of its keys")
              }
              #expect(Set(after.source.keys).isDisjoint(with: after.target.keys), "\(what): a key is in two places")
            }
          }
        }
      }
    }
  }

  private static let introduction = #"""
    {"capabilities":{"loadSession":true},"modes":{"currentModeId":"ask","availableModes":[{"id":"ask","name":"Ask"},
    {"id":"code","name":"Code"}]}}
    """#

  /// Whether a key is at the target in this part of the way: every other key, the rest of them, all but the first one, all.
  private static func moves(_ key: String, _ part: Int) -> Bool {
    switch part {
    case 2: key.hasSuffix("}") == false
    case 3: true
    default: key.utf8.count % 2 == part
    }
  }

  /// Each `redis.call` of a real call is watched: it names a key that is in KEYS, or the channel that follows from it.
  @Test func noScriptTouchesAKeyItDoesNotDeclare() async throws {
    let recorded = try await Self.record()
    let used = Set(recorded.calls.map(\.name))
    let onSessions = ScriptLibrary.all.filter { $0.plain.keys != ["key"] }.map(\.name)
    #expect(Set(onSessions).subtracting(used) == [], "scripts that were not called")
    try await withRedisServer { server in
      try await ClusterNode.with(server) { node in
        for call in recorded.calls {
          try await node.send("FLUSHALL")
          for dump in recorded.dumps.values { for (key, value) in dump { try await node.restore(key, value) } }
          let lines = call.source.split(separator: "\n", maxSplits: 1)
          let watched = """
            \(lines[0])
            local real, declared = redis.call, {}
            for _, key in ipairs(KEYS) do declared[key] = true end
            local redis = {call = function(name, ...)
              local all = name == 'DEL' and {...} or {(...)}
              for _, one in ipairs(name == 'TIME' and {} or all) do
                if not declared[one] and not (name == 'SPUBLISH' and declared[string.gsub(one, ':live$', '')]) then
                  error('undeclared ' .. tostring(one))
                end
              end
              return real(name, ...)
            end}
            \(lines[1])
            """
          do { _ = try await node.client.send(call.evaluate(watched), key: nil) } catch {
            Issue.record("\(call.name): \(error)")
          }
        }
      }
    }
  }

  /// Real calls of everything on one session and its host session, and their keys as they are before it ends.
  private static func record() async throws -> (calls: [ScriptCall], dumps: [String: [String: KeyDump]]) {
    try await withWorld { world in
      let host = try await world.register()
      var dumps: [String: [String: KeyDump]] = [:]
      var shared: Shared?
      let calls = try await recordingCalls(of: world.server) {
        let agent = AgentIntroduction(try JSONText(validating: Self.introduction))
        _ = try await world.two.hostSessions.register(
          RegisterHostSession(userID: "hana", hostSessionID: host.id, agent: agent, hostToken: host.token))
        let session = try await world.share(host: host, minutes: 60)
        shared = session
        dumps = try await world.useEverything(session)
      }
      let session = try need(shared)
      let onOneKey = Set(ScriptLibrary.all.filter { $0.plain.keys == ["key"] }.map(\.name))
      // Of each form of each script.
      var latest: [String: ScriptCall] = [:]
      for call in calls
      where !onOneKey.contains(call.name) && [session.id, session.hostSessionID].contains(where: call.keys[0].contains)
      {
        latest[call.source] = call
      }
      return (latest.values.sorted { ($0.name, $0.source) < ($1.name, $1.source) }, dumps)
    }
  }
}

extension World {
  /// Every operation there is; what the keys hold before the session ends.
  func useEverything(_ shared: Shared) async throws -> [String: [String: KeyDump]] {
    let id = shared.id
    let carl = try await join(shared, "carl")
    let dora = try await join(shared, "dora")
    let runner = one.sessions.runner
    _ = try await one.sessions.changeRole(
      id, participantID: dora.participantID, role: .viewer, credentials: shared.host)
    let made = try json(await one.sessions.createInvite(id, CreateInvite(), credentials: shared.host))
    _ = try await one.sessions.revokeInvite(
      id, inviteID: try need(made["invite"]?["id"]?.string), credentials: shared.host)
    _ = try await one.sessions.rotateInvite(id, credentials: shared.host, idempotency: repeatable("rotate"))
    _ = try await one.sessions.postMessage(id, credentials: carl, text: "hi", idempotency: repeatable("message"))
    try await one.presence.set(id, participantID: carl.participantID, streams: 1)
    try await reject(shared, try await prompt(shared, carl))
    _ = try await one.approvals.withdraw(id, approvalID: try await prompt(shared, carl), credentials: carl)
    _ = try await prompt(shared, carl, "waits")
    // Only an agent that has modes can be set to one.
    _ = try await code { _ = try await self.one.approvals.submitControl(id, credentials: carl, control: .mode("code")) }
    _ = try await one.hostSessions.notify(
      shared.hostSessionID, token: shared.hostToken, notifications: [try JSONText(validating: "{}")])
    for call in calls(shared, as: carl)
    where call.route.hasPrefix("GET") || ["queue", "stream", "participants"].contains(call.route) {
      _ = try await code(call.make)
    }
    _ = try await one.events.page(id, after: "earliest", limit: 10)
    _ = try await runner.session(ScriptLibrary.exportAuthorize, id, as: .participant(shared.host))
    try await voteOnPicture(shared, by: carl)
    let first = try await prompt(shared, shared.host, "first")
    return try await withBridge(self, shared) { bridge in
      let dispatch = try await bridge.nextDispatch()
      try await bridge.report(dispatch, .started)
      let queued = try await prompt(shared, shared.host, "second")
      let turn = RunningTurn(world: self, shared: shared, author: carl, bridge: bridge, dispatch: dispatch)
      let request = try need(await turn.ask(key: "ask")["id"]?.string)
      _ = try await turn.read(request)
      try await turn.withdraw(request)
      _ = try await turn.ask()
      let question = try need(await turn.inquire(key: "inquire")["id"]?.string)
      _ = try await turn.reply(question, #"{"name":"x"}"#)
      _ = try await turn.readQuestion(question)
      _ = try await turn.inquire(named: false)
      _ = try await sweepSession(id)
      let dispatchID = try turn.dispatchID()
      _ = try await runner.session(ScriptLibrary.sessionDue, id)
      _ = try await runner.session(ScriptLibrary.dispatchState, id, ["id": .string(first)])
      _ = try await runner.host(ScriptLibrary.hostLapse, shared.hostSessionID)
      _ = try await runner.host(ScriptLibrary.hostRead, shared.hostSessionID)
      _ = try await runner.session(ScriptLibrary.sessionRead, id)
      _ = try await runner.host(
        ScriptLibrary.hostRenew, shared.hostSessionID, ["lease": .milliseconds(.seconds(30)), "fence": "1"])
      let dumps = try await dumps(of: shared)
      _ = try await one.approvals.cancelTurn(id, credentials: shared.host, idempotency: repeatable("cancel"))
      _ = try await runner.session(
        ScriptLibrary.dispatchFail, id,
        ["id": .string(first), "dispatch_id": .string(dispatchID), "message": "\"lost\"", "since": ""])
      _ = try await one.approvals.withdrawQueued(id, approvalID: queued, credentials: shared.host)
      _ = try await runner.session(
        ScriptLibrary.dispatchLease, id, ["id": .string(first), "dispatch_id": .string(dispatchID), "fence": "1"])
      _ = try await runner.session(ScriptLibrary.dispatchNext, id)
      _ = try await one.sessions.handOver(id, participantID: carl.participantID, credentials: shared.host)
      _ = try await one.sessions.update(id, credentials: carl, mode: .promptDirect, expiresInMinutes: 30)
      _ = try await one.sessions.leave(id, credentials: dora, idempotency: repeatable("leave"))
      _ = try await one.sessions.close(id, credentials: carl)
      _ = try await runner.session(ScriptLibrary.sessionEndStep, id)
      _ = try await one.hostSessions.delete(shared.hostSessionID, token: shared.hostToken)
      return dumps
    }
  }

  /// A prompt with an attachment that two have to agree to, of whom one does.
  private func voteOnPicture(_ shared: Shared, by author: ParticipantCredentials) async throws {
    _ = try await one.hostSessions.register(
      RegisterHostSession(
        userID: "hana", hostSessionID: shared.hostSessionID, takes: ["image"], hostToken: shared.hostToken))
    _ = try await one.sessions.update(
      shared.id, credentials: shared.host, mode: nil, expiresInMinutes: nil, approvalsNeeded: 2)
    let blocks = #"[{"type":"image","data":"iVBORw==","mimeType":"image/png"}]"#
    let content = try PromptContent(JSONText(validating: blocks).elements, .init())
    let body = try await one.approvals.submitPrompt(
      shared.id, credentials: author, prompt: "", content: content, idempotency: repeatable("picture"))
    let id = try need(json(body)["approval"]?["id"]?.string)
    _ = try await one.approvals.attachment(shared.id, approvalID: id, block: 0, reader: .trusted)
    _ = try await one.approvals.resolve(
      shared.id, approvalID: id, credentials: shared.host, action: .approve, reason: nil, editedPrompt: "draw it",
      dropContent: [0], idempotency: repeatable("vote"))
  }

  private func dumps(of shared: Shared) async throws -> [String: [String: KeyDump]] {
    var result: [String: [String: KeyDump]] = [:]
    for id in [shared.id, shared.hostSessionID] {
      for key in try await sessionKeys(id).keys where !key.contains("index") {
        let bytes = try need(await redis.send(RedisCommand("DUMP", .string(key)), key: key).bytes)
        let end = try need(await redis.send(RedisCommand("PEXPIRETIME", .string(key)), key: key).integer)
        result["{\(id)}", default: [:]][key] = KeyDump(bytes: bytes, end: max(0, end))
      }
    }
    return result
  }
}
