import JSONText
import NIOCore
import RedisClient
import Testing

@testable import SharedSessions

/// What viewers see in snapshots and exports, against a real Redis.
@Suite struct VisibilityReadingTests {
  private static let thought = #"{"params":{"update":{"sessionUpdate":"agent_thought_chunk","n":"thought"}}}"#

  private func think(_ world: World, _ shared: Shared) async throws {
    _ = try await world.one.hostSessions.notify(
      shared.hostSessionID, token: shared.hostToken, notifications: [try JSONText(validating: Self.thought)])
  }

  private func set(_ updates: ViewerUpdates, _ world: World, _ shared: Shared) async throws {
    _ = try await world.two.sessions.update(
      shared.id, credentials: shared.host, mode: nil, expiresInMinutes: nil, viewerUpdates: updates)
  }

  private func exported(_ world: World, _ shared: Shared, _ reader: Reader) async throws -> Int {
    let page = try await world.two.events.exportPage(shared.id, reader: reader, after: nil, limit: 100)
    return page.lines.count { String(buffer: $0).contains("thought") }
  }

  @Test func theExportIsTheReadersOwn() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let (viewer, collaborator) = (
        try await world.join(shared, "v", role: .viewer), try await world.join(shared, "c")
      )
      try await think(world, shared)
      let readers: [(Reader, Bool)] = [
        (.trusted, true), (.anybody(nil), false), (.anybody(viewer), false),
        (.anybody(collaborator), true), (.anybody(shared.host), true), (.participant(viewer), false),
        (.participant(collaborator), true),
      ]
      for (reader, _) in readers { #expect(try await exported(world, shared, reader) == 1) }
      try await set(.reduced, world, shared)
      for (reader, seesAll) in readers { #expect(try await exported(world, shared, reader) == (seesAll ? 1 : 0)) }
      _ = try await world.one.sessions.close(shared.id, credentials: shared.host)
      for (reader, seesAll) in readers { #expect(try await exported(world, shared, reader) == (seesAll ? 1 : 0)) }
    }
  }

  /// In open access whoever shows credentials is checked like a participant: a mistake of a client does not stay hidden.
  @Test func wrongCredentialsAreRefusedWhereNoneAreNeeded() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let (viewer, collaborator) = (try await world.join(shared, "v", role: .viewer), try await world.join(shared, "c"))
      let wrong = Reader.anybody(
        ParticipantCredentials(participantID: collaborator.participantID, token: viewer.token))
      let nobody = Reader.anybody(ParticipantCredentials(participantID: Secrets.newID(), token: viewer.token))
      for (reader, refusal) in [(wrong, ErrorCode.invalidParticipantToken), (nobody, .participantNotFound)] {
        let reads: [() async throws -> Void] = [
          { _ = try await world.one.sessions.snapshot(shared.id, reader: reader) },
          { _ = try await world.one.sessions.participants(shared.id, reader: reader) },
          { _ = try await world.one.sessions.messages(shared.id, reader: reader, after: nil, limit: 1) },
          { _ = try await world.one.approvals.queue(shared.id, reader: reader) },
          { _ = try await exported(world, shared, reader) },
        ]
        for read in reads { #expect(try await code(read) == refusal) }
      }
    }
  }

  @Test func oneWhoLeftIsToldSo() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let collaborator = try await world.join(shared, "c")
      try await set(.reduced, world, shared)
      try await think(world, shared)
      #expect(try await exported(world, shared, .anybody(collaborator)) == 1)
      _ = try await world.one.sessions.leave(shared.id, credentials: collaborator)
      #expect(
        try await code { _ = try await exported(world, shared, .anybody(collaborator)) } == .participantInactive)
    }
  }

  /// A reader who takes the pages slowly must not be given what was hidden meanwhile.
  @Test func aChangeInTheMiddleOfAnExportCountsForWhatComesAfterIt() async throws {
    try await withWorld { world in
      let shared = try await world.share()
      let viewer = try await world.join(shared, "v", role: .viewer)
      try await think(world, shared)
      let reader = Reader.participant(viewer)
      var page = try await world.two.events.exportPage(shared.id, reader: reader, after: nil, limit: 2)
      var lines = page.lines
      try await set(.reduced, world, shared)
      try await think(world, shared)
      _ = try await world.one.sessions.changeRole(
        shared.id, participantID: viewer.participantID, role: .collaborator, canApprove: nil, credentials: shared.host)
      try await think(world, shared)
      while let next = page.next {
        page = try await world.two.events.exportPage(shared.id, reader: reader, after: next, limit: 2)
        lines += page.lines
      }
      let thoughts = lines.map { String(buffer: $0).contains("thought") }
      // created, joined, joined, thought, updated, (hidden), role, thought
      #expect(thoughts == [false, false, false, true, false, false, true])
    }
  }
}
