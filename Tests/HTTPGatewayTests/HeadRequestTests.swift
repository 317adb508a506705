import Testing

@Suite struct HeadRequestTests {
  /// An empty chunk behind such a head would be the start of the next answer for the client.
  @Test func aBodyOfUnknownLengthLeavesNothingBehindItsHead() async throws {
    try await withGateway { gateway in
      let scenario = try await Scenario(gateway)
      let connection = try await RawConnection.open(port: gateway.port)
      try await connection.send(
        "HEAD \(scenario.path)/export HTTP/1.1\r\nHost: localhost\r\n"
          + "Authorization: Bearer \(scenario.host.id).\(scenario.host.token)\r\n\r\n")
      try await connection.expectEnd()
      #expect(connection.received.contains(" 200 OK\r\n"))
      #expect(connection.received.contains("application/x-ndjson"))
      #expect(connection.received.lowercased().contains("connection: close"))
      #expect(!connection.received.contains("chunked"))
      #expect(connection.received.hasSuffix("\r\n\r\n") && connection.received.components(of: "\r\n\r\n") == 1)
    }
  }
}
