import JSONText
import NIOCore
import TestSupport
import Testing

@testable import SharedSessions

/// The rules of the agent's questions.
@Suite struct QuestionTests {
  @Test func aQuestionIsAnsweredByADelegateAndTheBridgeHearsOfIt() async throws {
    try await withTurn { turn in
      let asked = try await turn.inquire(key: "one")
      let id = try need(asked["id"]?.string)
      #expect(try await turn.inquire(node: 1, key: "one") == asked)
      #expect(asked["kind"]?.string == "question")
      #expect(asked["status"]?.string == "pending")
      #expect(asked["prompt"]?.string == "Which name?")
      #expect(asked["participantId"]?.string == turn.author.participantID)
      #expect(try asked["dispatchId"]?.string == turn.dispatchID())
      #expect(asked["question"]?["schema"]?.description == RunningTurn.schema)
      let dora = try await turn.delegate()
      // What looks like a part of the record is only an answer.
      let answer = #"{"name":"\",\"optionId\":\"x\",\"answer\":{}","count":3}"#
      let answered = try await turn.reply(id, answer, by: dora)
      #expect(answered["status"]?.string == "approved")
      #expect(answered["answer"]?.description == answer)
      #expect(answered["resolvedByParticipantId"]?.string == dora.participantID)
      #expect(answered["dispatch"] == nil)
      let events = try await turn.questionEvents(about: id)
      #expect(events.map(\.type) == ["question_requested", "question_resolved"])
      #expect(events[0].payload["participant"]?["userId"]?.string == "carl")
      #expect(events[1].payload["participant"]?["userId"]?.string == "dora")
      #expect(events[1].payload["approval"] == answered)
      let frame = try json(try need(await turn.bridge.nextFrame()))
      #expect(frame["type"]?.string == "question")
      #expect(frame["payload"]?["approvalId"]?.string == id)
      #expect(frame["payload"]?["status"]?.string == "approved")
      #expect(frame["payload"]?["answer"]?.description == answer)
      #expect(frame["payload"]?["resolvedByName"]?.string == "dora")
      let read = try await turn.readQuestion(id)
      #expect(read["approval"] == answered)
      #expect(read["resolvedByName"]?.string == "dora")
      #expect(try await code { _ = try await turn.read(id) } == .approvalNotFound)
      let snapshot = try json(await turn.world.two.sessions.snapshot(turn.shared.id, reader: .trusted))
      #expect(snapshot["approvals"]?.elements.first == answered)
    }
  }

  @Test func anAnswerThatDoesNotFitChangesNothingAndSaysWhichField() async throws {
    try await withTurn { turn in
      let id = try await turn.inquired()
      let missing = await #expect(throws: SharedSessionError.self) { try await turn.reply(id, #"{"count":1}"#) }
      #expect(missing?.code == .invalidAnswer)
      #expect(missing?.message.contains("'name' is missing") == true)
      #expect(try await code { try await turn.reply(id, nil) } == .invalidAnswer)
      #expect(try await code { try await turn.answer(id, "once") } == .invalidField)
      #expect(try await code { try await turn.answer(id, action: .approve, editedPrompt: "x") } == .invalidField)
      // What is wrong with an answer is no business of those who may not give one.
      #expect(try await code { try await turn.reply(id, "{}", by: turn.author) } == .hostRequired)
      #expect(try await turn.questionEvents(about: id).count == 1)
      #expect(try await turn.reply(id, #"{"name":"x"}"#)["status"]?.string == "approved")
      #expect(try await code { try await turn.reply(id, "{}") } == .approvalAlreadyResolved)
      #expect(try await code { try await turn.reply("nobody", "{}") } == .approvalNotFound)
    }
  }

  @Test func aRejectionDeclinesAndNeedsNoAnswer() async throws {
    try await withTurn { turn in
      let id = try await turn.inquired()
      let declined = try await turn.reply(id, #"{"unknown":1}"#, action: .reject)
      #expect(declined["status"]?.string == "rejected")
      #expect(declined["answer"] == nil)
      #expect(try await turn.questionEvents(about: id).map(\.type) == ["question_requested", "question_resolved"])
    }
  }

  @Test func aPageIsAgreedToWithoutAnAnswer() async throws {
    try await withTurn { turn in
      let asked = try await turn.inquire(url: "https://example.com/sign-in?x")
      let id = try need(asked["id"]?.string)
      #expect(asked["question"]?.description == #"{"url":"https://example.com/sign-in?x","host":"example.com"}"#)
      #expect(try await code { try await turn.reply(id, "{}") } == .invalidAnswer)
      #expect(try await turn.reply(id, nil)["status"]?.string == "approved")
    }
  }

  @Test func aQuestionEndsWithItsTurnAndATurnThatStopsAsksNoMore() async throws {
    try await withTurn { turn in
      let id = try await turn.inquired()
      _ = try await turn.world.one.approvals.cancelTurn(turn.shared.id, credentials: turn.shared.host)
      let last = try need(try await turn.questionEvents(about: id).last)
      #expect(last.type == "question_withdrawn")
      #expect(last.payload["reason"]?.string == "turn_cancelled")
      #expect(try await turn.readQuestion(id)["approval"]?["status"]?.string == "withdrawn")
      #expect(try await code { try await turn.reply(id, #"{"name":"x"}"#) } == .approvalAlreadyResolved)
      #expect(try await code { _ = try await turn.inquire() } == .dispatchConflict)
      #expect(try await code { _ = try await turn.inquire(named: false) } == .dispatchConflict)
    }
  }

  @Test func aQuestionThatNamesNoTurnBelongsToTheOneThatRuns() async throws {
    try await withTurn { turn in
      let asked = try await turn.inquire(named: false)
      #expect(try asked["dispatchId"]?.string == turn.dispatchID())
      let id = try need(asked["id"]?.string)
      try await turn.bridge.report(turn.dispatch, .completed)
      #expect(try await turn.questionEvents(about: id).last?.payload["reason"]?.string == "turn_ended")
      // Between turns it is asked in the host's name, and its bridge ends it.
      let between = try await turn.inquire(named: false)
      let late = try need(between["id"]?.string)
      #expect(between["dispatchId"] == nil)
      #expect(between["participantId"]?.string == turn.shared.host.participantID)
      #expect(try await code { _ = try await turn.inquire() } == .dispatchConflict)
      let withdrawn = try json(
        await turn.world.two.questions.withdraw(
          turn.shared.hostSessionID, approvalID: late, token: turn.shared.hostToken))
      #expect(withdrawn["approval"]?["status"]?.string == "withdrawn")
      #expect(try await turn.questionEvents(about: late).last?.payload["reason"]?.string == "agent_withdrew")
      // The author of a prompt cannot take it back: it is the agent's.
      let third = try need(await turn.inquire(named: false)["id"]?.string)
      #expect(
        try await code {
          _ = try await turn.world.one.approvals.withdraw(
            turn.shared.id, approvalID: third, credentials: turn.shared.host)
        } == .authorRequired)
    }
  }

  @Test func questionsAreBoundedTogetherWithPermissionRequests() async throws {
    try await withTurn(configure: { $0.maximumPendingPermissions = 2 }) { turn in
      _ = try await turn.inquired()
      let second = try await turn.asked()
      #expect(try await code { _ = try await turn.inquire() } == .approvalLimit)
      #expect(try await code { _ = try await turn.ask() } == .approvalLimit)
      try await turn.answer(second, "once")
      _ = try await turn.inquired()
    }
  }

  @Test func viewersOfAReducedSessionSeeNoQuestion() async throws {
    try await withTurn { turn in
      let id = try await turn.inquired()
      _ = try await turn.reply(id, #"{"name":"x"}"#)
      for (type, payload) in try await turn.questionEvents(about: id) {
        let event = JSONText {
          $0.add("type", type)
          $0.add("payload", payload)
        }
        #expect(ViewerReduction.event(type, event.bytes) == nil)
      }
      let snapshot = try json(await turn.world.one.sessions.snapshot(turn.shared.id, reader: .trusted))
      let approvals = try need(snapshot["approvals"])
      let reduced = try json(ViewerReduction.approvals(approvals.bytes))
      #expect(approvals.elements.map { $0["kind"]?.string } == ["question", "prompt"])
      #expect(reduced.elements.map { $0["kind"]?.string } == ["prompt"])
    }
  }

  @Test func aQuestionEndsWithItsSession() async throws {
    try await withTurn { turn in
      let id = try await turn.inquired()
      _ = try await turn.world.one.sessions.close(turn.shared.id, credentials: turn.shared.host)
      #expect(try await turn.questionEvents(about: id).last?.payload["reason"]?.string == "session_closed")
      #expect(try await code { _ = try await turn.inquire() } == .sessionInactive)
    }
  }

  @Test func ofManyAnswersOneCounts() async throws {
    try await withTurn { turn in
      let dora = try await turn.delegate()
      for _ in 0..<6 {
        let id = try await turn.inquired()
        let outcomes = await withTaskGroup(of: String?.self) { group in
          for i in 0..<6 {
            let who = i % 2 == 0 ? turn.shared.host : dora
            group.addTask {
              do throws(SharedSessionError) {
                let answered = try await turn.reply(id, #"{"name":"\#(i)"}"#, by: who, node: i % 2)
                return answered["answer"]?["name"]?.string
              } catch {
                return error.code == .approvalAlreadyResolved ? nil : "another refusal"
              }
            }
          }
          return await group.reduce(into: []) { $0.append($1) }
        }
        let winners = outcomes.compactMap { $0 }
        #expect(winners.count == 1)
        let events = try await turn.questionEvents(about: id)
        #expect(events.map(\.type) == ["question_requested", "question_resolved"])
        #expect(events.last?.payload["approval"]?["answer"]?["name"]?.string == winners.first)
      }
    }
  }
}
