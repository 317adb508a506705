import EventStreaming
import HTTPGateway
import SharedSessions
import TestSupport
import Testing

/// Several sessions on one connection, as they go over a socket.
@Suite struct CombinedStreamRouteTests {
  private func ask(_ scenario: Scenario, as caller: Scenario.Caller? = nil) -> String {
    let caller = caller ?? scenario.host
    return "\(scenario.sessionID),\(caller.id).\(caller.token)"
  }

  private func open(
    _ gateway: GatewayFixture, _ asks: [String], query: String = "", receiveBuffer: Int? = nil,
    version: String = "HTTP/1.1", headers: [String: String] = [:]
  ) async throws -> RawConnection {
    let connection = try await RawConnection.open(port: gateway.port, receiveBuffer: receiveBuffer)
    var request = "GET /api/streams?\(query) \(version)\r\nHost: localhost\r\n"
    for (name, value) in headers.merging(["Tandem-Sessions": asks.joined(separator: " ")], uniquingKeysWith: { $1 }) {
      request += "\(name): \(value)\r\n"
    }
    try await connection.send(request + "\r\n")
    return connection
  }

  /// The content of a chunked body; nothing may be left over between its chunks.
  private func content(_ received: String) throws -> String {
    guard let head = received.firstRange(of: "\r\n\r\n") else { throw UnexpectedReply(received) }
    var rest = Array(received[head.upperBound...].utf8)[...]
    var content: [UInt8] = []
    while let line = rest.firstIndex(of: UInt8(ascii: "\r")) {
      guard let size = Int(String(decoding: rest[..<line], as: UTF8.self), radix: 16) else {
        throw UnexpectedReply("no chunk size: \(String(decoding: rest.prefix(80), as: UTF8.self))")
      }
      let start = line + 2
      guard rest.endIndex >= start + size + 2 else { break }
      content += rest[start..<start + size]
      guard rest[start + size] == UInt8(ascii: "\r"), rest[start + size + 1] == UInt8(ascii: "\n") else {
        throw UnexpectedReply("a chunk does not end where it should")
      }
      rest = rest[(start + size + 2)...]
    }
    return String(decoding: content, as: UTF8.self)
  }

  @Test func smallAndLargeEventsOfSeveralSessionsAreWellFramed() async throws {
    try await withGateway { gateway in
      let scenarios = [try await Scenario(gateway), try await Scenario(gateway), try await Scenario(gateway)]
      let stream = try await open(gateway, scenarios.map { ask($0) })
      try await stream.expect(#""type":"connected""#, times: 3)
      let large = String(repeating: "x", count: 9_000)
      for number in 0..<12 {
        try await scenarios[number % 3].comment(number % 2 == 0 ? "\(number);" : "\(number);\(large)")
      }
      try await stream.expect("11;\(large)")
      let text = try content(stream.received)
      let frames = text.components(separatedBy: "\n\n").filter { $0.contains("message_created") }
      #expect(frames.count == 12)
      for (number, frame) in frames.enumerated() {
        let lines = frame.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines[0].hasPrefix("id: ") && lines[0].split(separator: ",").count == 3)
        #expect(lines[1].hasPrefix("data: {") && lines[1].contains("\(number);"))
      }
    }
  }

  @Test func overHTTP10ItHasNoChunks() async throws {
    try await withGateway { gateway in
      let (one, two) = (try await Scenario(gateway), try await Scenario(gateway))
      let stream = try await open(gateway, [ask(one), ask(two)], version: "HTTP/1.0")
      try await stream.expect(#""type":"connected""#, times: 2)
      try await one.comment(String(repeating: "y", count: 9_000))
      try await two.comment("plain")
      try await stream.expect("plain")
      let body = stream.received.split(separator: "\r\n\r\n", maxSplits: 1)[1]
      #expect(!body.contains("\r\n"))
      #expect(body.hasPrefix("retry: 2000\n\ndata: {\"type\":\"connected\""))
    }
  }

  @Test func aClientThatDoesNotReadIsCutOffWithAllItsSessions() async throws {
    try await withGateway({ $0.streams.bufferBytes = 64 * 1024 }) { gateway in
      let (one, two) = (try await Scenario(gateway), try await Scenario(gateway))
      let quick = try await open(gateway, [ask(one), ask(two)])
      let slow = try await open(gateway, [ask(one), ask(two)], receiveBuffer: 4096)
      for stream in [quick, slow] { try await stream.expect(#""type":"connected""#, times: 2) }
      #expect(gateway.streams.openStreams == 4)
      try await slow.setReading(false)
      let text = String(repeating: "x", count: 15_000)
      var sent = 0
      while gateway.streams.openStreams == 4 {
        guard sent < 3_000 else { throw UnexpectedReply("The slow client is never cut off.") }
        try await (sent % 2 == 0 ? one : two).comment("\(sent);\(text)")
        sent += 1
      }
      try await eventually("both of its streams are over") { gateway.streams.openStreams == 2 }
      try await quick.expect("\(sent - 1);")
      #expect(quick.received.components(of: #""type":"message_created""#) == sent)
      try await slow.setReading(true)
      try await slow.expectEnd()
    }
  }

  @Test(arguments: [false, true])
  func aClientThatGoesAwayLeavesNothingBehind(closesOnlyItsHalf: Bool) async throws {
    try await withGateway({ $0.streams.heartbeat = .seconds(300) }) { gateway in
      let scenarios = [try await Scenario(gateway), try await Scenario(gateway), try await Scenario(gateway)]
      let streams = [try await open(gateway, scenarios.map { ask($0) }), try await open(gateway, [ask(scenarios[0])])]
      for stream in streams { try await stream.expect(#""type":"connected""#) }
      try await eventually("all are open") { gateway.streams.openStreams == 4 }
      for stream in streams {
        if closesOnlyItsHalf { try await stream.closeOutput() } else { try await stream.close() }
      }
      try await eventually("no stream is open") { gateway.streams.openStreams == 0 }
    }
  }

  @Test func theRateOfAParticipantCountsForItsSessionOnly() async throws {
    try await withGateway({ $0.participantRate = RequestRate(count: 1, interval: .seconds(3_600)) }) { gateway in
      let (one, two) = (try await Scenario(gateway), try await Scenario(gateway))
      let guest = try await one.join()
      let first = try await open(gateway, [ask(one, as: guest)])
      try await first.expect(#""type":"connected""#)
      let second = try await open(gateway, [ask(one, as: guest), ask(two)])
      try await second.expect(#""type":"connected""#)
      try await second.expect(#""payload":{"code":"RATE_LIMITED","#)
    }
  }

  @Test func nothingIsOpenAfterARefusal() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let wrong = Scenario.Caller(id: scenario.host.id, token: "wrong")
      for asks in [[ask(scenario, as: wrong)], [ask(scenario), ask(scenario)], []] {
        let refused = try await open(gateway, asks).reply()
        #expect(refused.status == (asks.count == 1 ? 403 : 400))
        #expect(!refused.body.contains(scenario.host.token))
      }
      #expect(gateway.streams.openStreams == 0)
    }
  }
}

extension String {
  fileprivate func components(separatedBy text: String) -> [Substring] { split(separator: text) }
}
