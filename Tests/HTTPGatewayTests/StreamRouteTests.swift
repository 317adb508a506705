import EventStreaming
import HTTPGateway
import TestSupport
import Testing

@Suite struct StreamRouteTests {
  @Test func aStreamHasTheHeadThatProxiesNeedAndBeginsWithRetryAndConnected() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let stream = try await scenario.stream()
      let head = stream.received.lowercased()
      #expect(head.hasPrefix("http/1.1 200 ok\r\n"))
      #expect(head.contains("content-type: text/event-stream\r\n"))
      #expect(head.contains("cache-control: no-cache, no-store, no-transform\r\n"))
      #expect(head.contains("x-accel-buffering: no\r\n"))
      #expect(stream.received.components(of: "retry: 2000\n\n") == 1)
    }
  }

  @Test func whatIsSaidReachesEveryStreamInOrder() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let guest = try await scenario.join()
      let streams = [try await scenario.stream(), try await scenario.stream(as: guest)]
      for number in 0..<20 { try await scenario.comment("text \(number);") }
      for stream in streams {
        try await stream.expect("text 19;")
        let positions = (0..<20).map { stream.received.firstRange(of: "text \($0);")?.lowerBound }
        #expect(!positions.contains(nil))
        #expect(positions.compactMap { $0 } == positions.compactMap { $0 }.sorted())
        #expect(stream.received.components(of: "message_created") == 20)
      }
    }
  }

  @Test func aCursorBringsWhatWasMissedAndThenLiveEvents() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      try await scenario.comment("before")
      let cursor = try await scenario.call("GET", "").text("cursor")
      try await scenario.comment("missed")
      let stream = try await scenario.stream(cursor: cursor)
      try await stream.expect("missed")
      try await scenario.comment("live")
      try await stream.expect("live")
      #expect(!stream.received.contains("before"))
      let all = try await scenario.stream("?lastEventId=earliest")
      try await all.expect("live")
      #expect(all.received.contains("shared_session_created"))
    }
  }

  @Test(arguments: ["nonsense", "0-0", "99999999999999-0", "$"])
  func anUnknownCursorIsAnsweredByAReset(cursor: String) async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      try await scenario.comment("before")
      let stream = try await scenario.stream(cursor: cursor)
      try await stream.expect(#""type":"stream_reset""#)
      try await scenario.comment("after")
      try await stream.expect("after")
      #expect(!stream.received.contains("before"))
    }
  }

  @Test func aStreamEndsInOrderAfterTheLastEventOfItsSession() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let guest = try await scenario.join()
      let streams = [try await scenario.stream(), try await scenario.stream(as: guest)]
      #expect(try await scenario.call("DELETE", "").status == 200)
      for stream in streams {
        try await stream.expect("0\r\n\r\n")
        #expect(stream.received.contains(#""type":"session_closed""#))
      }
      let refused = try await scenario.call("GET", "/stream")
      #expect(try refused.errorCode == "SESSION_INACTIVE")
      let replay = try await scenario.stream(as: guest, cursor: "earliest")
      try await replay.expect("0\r\n\r\n")
      #expect(replay.received.contains("shared_session_created"))
      #expect(replay.received.contains("session_closed"))
    }
  }

  @Test func leavingEndsTheStreamsOfThatParticipantOnly() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let guest = try await scenario.join()
      let (theirs, mine) = (try await scenario.stream(as: guest), try await scenario.stream())
      #expect(try await scenario.call("POST", "/leave", as: guest).status == 200)
      try await theirs.expect("participant_left")
      try await theirs.expect("0\r\n\r\n")
      try await scenario.comment("still here")
      try await mine.expect("still here")
      #expect(!theirs.received.contains("still here"))
    }
  }

  @Test func aTicketOpensOneStream() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let ticket = try await scenario.call("POST", "/stream-tickets").text("ticket")
      let stream = try await RawConnection.open(port: gateway.port)
      try await stream.send(GatewayFixture.request("GET", scenario.path + "/stream?ticket=\(ticket)"))
      try await stream.expect(#""type":"connected""#)
      let again = try await gateway.call("GET", scenario.path + "/stream?ticket=\(ticket)")
      #expect(try again.errorCode == "INVALID_TICKET")
      let none = try await gateway.call("GET", scenario.path + "/stream")
      #expect(try none.errorCode == "MISSING_CREDENTIALS")
    }
  }

  @Test func aStreamOverHTTP10HasNoChunks() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let stream = try await RawConnection.open(port: gateway.port)
      try await stream.send(
        "GET \(scenario.path)/stream HTTP/1.0\r\nHost: localhost\r\nAuthorization: \(scenario.host.header["Authorization"] ?? "")\r\n\r\n"
      )
      try await stream.expect(#""type":"connected""#)
      try await scenario.comment("plain")
      try await stream.expect("plain")
      let body = stream.received.split(separator: "\r\n\r\n", maxSplits: 1)[1]
      #expect(!body.contains("\r\n"))
      #expect(body.hasPrefix("retry: 2000\n\n"))
      #expect(try await scenario.call("DELETE", "").status == 200)
      try await stream.expectEnd()
    }
  }

  @Test(arguments: [false, true])
  func aClientThatGoesAwayWhileIdleLeavesNothingBehind(closesOnlyItsHalf: Bool) async throws {
    try await withGateway({ $0.streams.heartbeat = .seconds(300) }) { gateway in
      let scenario = try await Scenario(gateway)
      var streams: [RawConnection] = []
      for _ in 0..<5 { streams.append(try await scenario.stream()) }
      #expect(gateway.streams.openStreams == 5)
      for stream in streams {
        if closesOnlyItsHalf { try await stream.closeOutput() } else { try await stream.close() }
      }
      try await eventually("no stream is open") { gateway.streams.openStreams == 0 }
      for stream in streams { try await stream.expectEnd() }
    }
  }

  @Test func aParticipantHasSoManyStreamsAndNoMore() async throws {
    try await withGateway({ $0.streams.streamsPerParticipant = 2 }) { gateway in
      let scenario = try await Scenario(gateway)
      let first = try await scenario.stream()
      _ = try await scenario.stream()
      let refused = try await scenario.call("GET", "/stream")
      #expect(refused.status == 429)
      #expect(try refused.errorCode == "STREAM_LIMIT")
      #expect(refused.headers["retry-after"] != nil)
      try await first.close()
      try await eventually("room for a stream") { gateway.streams.openStreams == 1 }
      _ = try await scenario.stream()
    }
  }

  @Test func aClientThatDoesNotReadIsCutOffAndTheOthersMissNothing() async throws {
    try await withGateway({ $0.streams.bufferBytes = 64 * 1024 }) { gateway in
      let scenario = try await Scenario(gateway)
      let quick = try await scenario.stream()
      let slow = try await scenario.stream(receiveBuffer: 4096)
      try await slow.setReading(false)
      let text = String(repeating: "x", count: 16_000)
      var sent = 0
      while gateway.streams.openStreams == 2 {
        guard sent < 3_000 else { throw UnexpectedReply("The slow client is never cut off.") }
        try await scenario.comment("\(sent);\(text)")
        sent += 1
      }
      try await quick.expect("\(sent - 1);")
      #expect(quick.received.components(of: #""type":"message_created""#) == sent)
      try await slow.setReading(true)
      try await slow.expectEnd()
      #expect(!slow.received.hasSuffix("0\r\n\r\n"))
    }
  }

  @Test func heartbeatsKeepAQuietStreamOpen() async throws {
    try await withGateway({ $0.streams.heartbeat = .milliseconds(20) }) { gateway in
      let stream = try await Scenario(gateway).stream()
      try await stream.expect(": heartbeat\n\n", times: 3)
    }
  }

  @Test func presenceIsToldToTheOthersButNotKept() async throws {
    try await withGateway({ $0.streams.presenceDebounce = .milliseconds(10) }) { gateway in
      let scenario = try await Scenario(gateway)
      let guest = try await scenario.join()
      let watcher = try await scenario.stream()
      let stream = try await scenario.stream(as: guest)
      // The guest's own: closed before it was told, a stream this short is not told at all.
      try await watcher.expect(#""payload":{"participantId":"\#(guest.id)"}"#)
      try await stream.close()
      try await watcher.expect("participant_offline")
      let replay = try await scenario.stream(cursor: "earliest")
      try await scenario.comment("end of the replay")
      try await replay.expect("end of the replay")
      #expect(!replay.received.contains("\"participantId\":\"\(guest.id)\""))
    }
  }
}
