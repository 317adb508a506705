import JSONText
import TestSupport
import Testing

@testable import SharedSessions

/// Everything that can end a request at the same moment as an answer: one of them counts, on whichever node it came in.
@Suite struct PermissionRaceTests {
  private static let rounds = 6

  /// Answers while something else happens, in many rounds, each in a session of its own; then holds what was replied
  /// against what was told.
  ///
  /// - Parameters:
  ///   - other: ends the request in another way.
  ///   - loses: whether it is refused when the answer was first; else it goes on without anything to withdraw.
  private func race(
    againstReason reason: String, loses: Bool, _ other: @escaping @Sendable (RunningTurn, String) async throws -> Void
  ) async throws {
    try await withWorld { world in
      for round in 0..<Self.rounds {
        try await withTurn(in: world) { turn in
          let id = try await turn.asked()
          async let answered = code { try await turn.answer(id, "once", node: round % 2) }
          async let ended = code { try await other(turn, id) }
          let (answer, end) = (try await answered, try await ended)
          let last = try need(try await turn.events(about: id).last)
          let types = try await turn.events(about: id).map(\.type)
          #expect(types.count == 2 && types.first == "permission_requested", "\(types)")
          if answer == nil {
            #expect(last.type == "permission_resolved")
            #expect(!loses || end == .approvalAlreadyResolved)
          } else {
            #expect(answer == .approvalAlreadyResolved || answer == .sessionInactive)
            #expect(last.type == "permission_withdrawn")
            #expect(last.payload["reason"]?.string == reason)
            #expect(end == nil)
          }
          #expect(try await turn.read(id)["approval"] == last.payload["approval"])
          _ = try? await world.one.hostSessions.delete(turn.shared.hostSessionID, token: turn.shared.hostToken)
        }
      }
    }
  }

  @Test func ofManyAnswersOneCountsAndTheOthersAreToldWho() async throws {
    try await withTurn { turn in
      let dora = try await turn.delegate()
      for _ in 0..<Self.rounds {
        let id = try await turn.asked()
        let outcomes = try await withThrowingTaskGroup(of: (name: String, option: String, refusal: String?).self) {
          group in
          for i in 0..<6 {
            let (who, name) = i % 2 == 0 ? (turn.shared.host, "hana") : (dora, "dora")
            let option = ["once", "always", "no"][i % 3]
            group.addTask {
              do throws(SharedSessionError) {
                _ = try await turn.world.nodes[i % 2].approvals.resolve(
                  turn.shared.id, approvalID: id, credentials: who, action: nil, reason: nil, editedPrompt: nil,
                  optionID: option)
                return (name, option, nil)
              } catch {
                return (name, option, error.code == .approvalAlreadyResolved ? error.message : "another refusal")
              }
            }
          }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        let winner = try #require(outcomes.first { $0.refusal == nil })
        #expect(outcomes.filter { $0.refusal == nil }.count == 1)
        #expect(outcomes.compactMap(\.refusal).allSatisfy { $0.contains("by \(winner.name)") })
        let events = try await turn.events(about: id)
        #expect(events.map(\.type) == ["permission_requested", "permission_resolved"])
        #expect(events.last?.payload["approval"]?["optionId"]?.string == winner.option)
      }
    }
  }

  @Test func anAnswerAgainstTheAgentTakingItBack() async throws {
    try await race(againstReason: "agent_withdrew", loses: true) { turn, id in try await turn.withdraw(id) }
  }

  @Test func anAnswerAgainstTheCancelOfTheTurn() async throws {
    try await race(againstReason: "turn_cancelled", loses: false) { turn, _ in
      _ = try await turn.world.two.approvals.cancelTurn(turn.shared.id, credentials: turn.shared.host)
    }
  }

  @Test func anAnswerAgainstTheEndOfTheTurn() async throws {
    try await race(againstReason: "turn_ended", loses: false) { turn, _ in
      try await turn.bridge.report(turn.dispatch, .completed)
    }
  }

  @Test func anAnswerAgainstTheCloseOfTheSession() async throws {
    try await race(againstReason: "session_closed", loses: false) { turn, _ in
      _ = try await turn.world.one.sessions.close(turn.shared.id, credentials: turn.shared.host)
    }
  }

  /// Asking against the end of the turn: either it was never asked, or it was withdrawn.
  @Test func aRequestAgainstTheEndOfTheTurn() async throws {
    try await withWorld { world in
      for round in 0..<Self.rounds {
        try await withTurn(in: world) { turn in
          async let asked = code { _ = try await turn.ask(node: round % 2) }
          async let ended: Void = turn.bridge.report(turn.dispatch, .completed)
          let refusal = try await asked
          try await ended
          let types = try await world.types(turn.shared.id).filter { $0.hasPrefix("permission_") }
          #expect(refusal == nil || refusal == .dispatchConflict)
          #expect(types == (refusal == nil ? ["permission_requested", "permission_withdrawn"] : []))
        }
      }
    }
  }
}
