import Foundation
import Logging
import Observability
import RedisClient
import Synchronization
import TestSupport
import Testing

@testable import HTTPGateway

/// The id of a request: on its answer, and on every line that any layer writes on its behalf.
@Suite struct RequestIDTests {
  /// Lines of the log. Sendable: behind a mutex.
  private final class Lines: Sendable {
    private let lines = Mutex<[[String: String]]>([])

    /// What all layers log with, down to debug.
    var logger: Logger {
      Logger(label: "test") { label in
        var handler = JSONLogHandler(
          label: label,
          output: LogOutput { line in
            let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String]
            self.lines.withLock { $0.append(object ?? ["message": line]) }
          })
        handler.logLevel = .debug
        handler.metadataProvider = RequestID.metadata
        return handler
      }
    }

    /// The messages of the lines with an id, oldest first.
    func messages(of id: String?) -> [String] {
      lines.withLock { $0.filter { $0[LogKey.requestID] == id }.compactMap { $0["message"] } }
    }

    /// The ids of all lines with a message.
    func ids(of message: String) -> Set<String?> {
      Set(lines.withLock { $0.filter { $0["message"] == message }.map { $0[LogKey.requestID] } })
    }
  }

  @Test func everyLayersLinesOfARequestHaveTheIDOfItsAnswer() async throws {
    let lines = Lines()
    try await withGateway(logger: lines.logger) { gateway in
      let scenario = try await Scenario(gateway)
      try await gateway.command("SET", "tandem:{\(scenario.sessionID)}:messages", "no stream")
      let broken = try await scenario.comment("this breaks")
      let id = try #require(broken.headers["x-request-id"])
      #expect(broken.status == 500)
      #expect(try broken.text("error") == "Internal error (request \(id)).")
      let expected = ["redis rejected an operation", "request failed", "request answered"]
      #expect(lines.messages(of: id) == expected)
      let other = try await scenario.comment("this breaks, too")
      let next = try #require(other.headers["x-request-id"])
      #expect(next != id)
      #expect(lines.messages(of: next) == expected)
      #expect(lines.ids(of: "redis rejected an operation") == [id, next])
    }
  }

  @Test func aSessionThatCannotBeStreamedBesideOthersIsLoggedWithTheIDOfTheStream() async throws {
    let lines = Lines()
    try await withGateway(logger: lines.logger) { gateway in
      let (good, bad) = (try await Scenario(gateway), try await Scenario(gateway))
      try await gateway.command("DEL", "tandem:{\(bad.sessionID)}:participants")
      try await gateway.command("SET", "tandem:{\(bad.sessionID)}:participants", "no hash")
      let connection = try await RawConnection.open(port: gateway.port)
      let asks = [good, bad].map { "session=\($0.sessionID),\($0.host.id).\($0.host.token)" }.joined(separator: "&")
      try await connection.send(
        GatewayFixture.request("GET", "/api/streams?\(asks)", headers: ["X-Request-Id": "stream-7"]))
      try await connection.expect("Internal error (request stream-7).")
      #expect(connection.received.lowercased().contains("x-request-id: stream-7"))
      #expect(lines.messages(of: "stream-7").contains("request failed"))
      #expect(lines.messages(of: "stream-7").contains("redis rejected an operation"))
    }
  }

  @Test func anIDThatWasSentIsKeptWhenItIsPlain() async throws {
    let lines = Lines()
    try await withGateway(logger: lines.logger) { gateway in
      let kept = try await gateway.call("GET", "/version", headers: ["X-Request-Id": "proxy-1.A_z"])
      #expect(kept.headers["x-request-id"] == "proxy-1.A_z")
      #expect(lines.messages(of: "proxy-1.A_z") == ["request answered"])
      for sent in ["with blank", String(repeating: "x", count: 65), "{\"a\":1}"] {
        let replaced = try await gateway.call("GET", "/version", headers: ["X-Request-Id": sent])
        #expect(replaced.headers["x-request-id"]?.wholeMatch(of: #/[0-9a-f]{16}/#) != nil)
      }
    }
  }

  @Test(arguments: ["GET /nothing HTTP/1.1", "PUT /version HTTP/1.1", "GET /version HTTP/1.1", "no request"])
  func everyAnswerHasOne(line: String) async throws {
    let lines = Lines()
    try await withGateway(logger: lines.logger) { gateway in
      let connection = try await RawConnection.open(port: gateway.port)
      try await connection.send("\(line)\r\nHost: localhost\r\n\r\n")
      let id = try #require(try await connection.reply().headers["x-request-id"])
      #expect(lines.messages(of: id) == [line == "no request" ? "request refused" : "request answered"])
    }
  }
}
