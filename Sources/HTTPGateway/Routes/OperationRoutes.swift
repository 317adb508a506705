import HTTPTypes
import JSONText
import NIOCore

/// What operators and their tools ask a node.
extension RouteSet {
  var operationRoutes: [Route] {
    [
      Route(.get, "/health/live") { _ in .status("live") },
      Route(.get, "/health/ready", handler: ready),
      Route(.get, "/metrics") { _ in
        .bytes(operations.metrics(), type: "text/plain; version=0.0.4; charset=utf-8")
      },
      Route(.get, "/version") { _ in
        .json(
          JSONText {
            $0.add("name", "tandem")
            $0.add("version", operations.version)
          }.bytes)
      },
      Route(.get, "/openapi.json") { _ in .json(WebFiles.openAPI) },
    ]
  }

  /// Green while this node can do its work: Redis takes a write, answers a read and delivers a message in time.
  private func ready(_ request: IncomingRequest) async throws -> Reply {
    guard !drain.isFired else { throw GatewayError.draining }
    do {
      try await operations.probe(configuration.probeTimeout)
    } catch {
      throw GatewayError(
        status: 503, code: "UNAVAILABLE", message: "Redis does not answer, so this node cannot serve requests now.",
        headers: [.retryAfter: "1"])
    }
    return .status("ready")
  }
}

extension Reply {
  fileprivate static func status(_ word: String) -> Reply {
    .json(JSONText { $0.add("status", word) }.bytes)
  }
}
