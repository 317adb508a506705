import Basics
import HTTPTypes
import JSONText
import NIOCore

/// What operators and their tools ask a node.
extension RouteSet {
  var operationRoutes: [Route] {
    [
      // Load balancers call a node by names of their own.
      Route(.get, "/health/live", answersAnyHost: true) { _ in .status("live") },
      Route(.get, "/health/ready", answersAnyHost: true, handler: ready),
      Route(.get, "/metrics", handler: metrics),
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

  private func metrics(_ request: IncomingRequest) async throws -> Reply {
    let headers = request.head.headerFields
    // A page that rebinds its name, and a proxy on this machine that adds no header, still call the node by that name.
    let isLocal =
      (request.head.authority.flatMap { HostName($0) }?.isLoopback ?? false)
      && TrustedProxies(ranges: configuration.trustedProxies).isLocal(
        peer: request.channel.remoteAddress?.ipAddress, forwardedFor: headers[.forwardedFor],
        isForwarded: [.forwardedFor, .forwarded, .realIP, .via].contains { headers[$0] != nil })
    try access.requireMetrics(request, isLocal: isLocal)
    return .bytes(operations.metrics(), type: "text/plain; version=0.0.4; charset=utf-8")
  }

  /// Green while this node can do its work: Redis takes a write, answers a read and delivers a message in time.
  private func ready(_ request: IncomingRequest) async throws -> Reply {
    guard !drain.isSet else { throw GatewayError.draining }
    do {
      let lost = try await readiness.run() * 100
      if lost == 0 { return .status("ready") }
      // The sessions of the other primaries go on; another node would see the same.
      if lost < Double(configuration.lostPrimaries) { return .status("degraded") }
      throw GatewayError(
        status: 503, code: "UNAVAILABLE",
        message:
          "\(Int(lost.rounded())) percent of Redis's primaries do not answer, so this node cannot serve requests now.",
        headers: [.retryAfter: "1"])
    } catch let error as GatewayError {
      throw error
    } catch {
      let part = (error as? ProbeFailure)?.part ?? "Redis does not answer"
      throw GatewayError(
        status: 503, code: "UNAVAILABLE", message: "\(part), so this node cannot serve requests now.",
        headers: [.retryAfter: "1"])
    }
  }
}

extension Reply {
  fileprivate static func status(_ word: String) -> Reply {
    .json(JSONText { $0.add("status", word) }.bytes)
  }
}
