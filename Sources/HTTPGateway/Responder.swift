import Basics
import HTTPTypes
import HummingbirdCore
import Logging
import Metrics
import NIOCore
import Observability
import SharedSessions

/// Answers requests by the route table, and makes every failure an error body. Immutable.
struct Responder: Sendable {
  private let table: RouteTable
  private let reader: BodyReader
  private let jsonDepth: Int
  private let hosts: HostRules
  private let origins: OriginRules
  private let metrics: RequestMetrics
  private let refusedHosts = Counter(label: "tandem.http.requests.refused", dimensions: [("reason", "host")])
  private let refusedOrigins = Counter(label: "tandem.http.requests.refused", dimensions: [("reason", "origin")])
  private let logger: Logger
  /// Once it is fired answers close their connections.
  private let drain: Latch

  init(table: RouteTable, configuration: GatewayConfiguration, drain: Latch, logger: Logger) {
    self.drain = drain
    self.table = table
    self.reader = BodyReader(limit: configuration.bodyBytes)
    self.jsonDepth = configuration.jsonDepth
    self.hosts = HostRules(
      access: configuration.access, hosts: configuration.hosts, listening: configuration.host)
    self.origins = OriginRules(listed: configuration.corsOrigins)
    self.metrics = RequestMetrics(routes: table.routes)
    self.logger = logger
  }

  /// Answers one request; the shape Hummingbird asks for. Concurrent, hence on the executor the connection's task prefers.
  @concurrent func respond(
    to request: Request, writer: consuming ResponseWriter, channel: any Channel
  ) async throws {
    let started = ContinuousClock.now
    let id = request.headers[.requestID].flatMap { RequestID.isWellFormed($0) ? $0 : nil } ?? RequestID.new()
    let target = request.head.path ?? "/"
    let path = target.prefix { $0 != "?" }
    let query = target.dropFirst(path.count + 1)
    let match = table.match(request.method, path: path)
    let origin = origins.decide(OriginRules.Request(request.head), isCredentialed: request.isCredentialed(query: query))
    var reply: Reply
    var route: Int?
    if case .found(let index, _) = match { route = index }
    // What a page of another site may not ask is refused before anything is read, decoded or looked up.
    if !(route.map { table.routes[$0].answersAnyHost } ?? false), !hosts.allows(request.head.authority) {
      refusedHosts.increment()
      reply = .failure(.hostNotAllowed)
    } else {
      switch origin {
      case .refuse:
        refusedOrigins.increment()
        reply = .failure(.originNotAllowed)
      case .preflight(let page):
        reply = .preflight(for: page)
      case .take:
        reply = await answer(id, request, match, path: path, query: query, writer, channel: channel)
      case .takeFrom(let page):
        reply = await answer(id, request, match, path: path, query: query, writer, channel: channel)
          .readable(for: page)
      }
    }
    if origins.vary { reply = reply.varyingByOrigin() }
    reply = reply.withHeader(.requestID, id)
    if route.map({ !table.routes[$0].isStream }) ?? true {
      metrics.answered(route: route, status: reply.status, after: ContinuousClock.now - started)
    }
    logger.debug(
      "request answered",
      metadata: [
        LogKey.requestID: "\(id)", LogKey.method: "\(request.method.rawValue)", LogKey.path: "\(path)",
        LogKey.status: "\(reply.status)", LogKey.duration: "\(ContinuousClock.now - started)",
      ])
    try await write(reply, writer, id)
  }

  /// Answers it in the name of its id.
  @concurrent private func answer(
    _ id: String, _ request: Request, _ match: RouteTable.Match, path: Substring, query: Substring,
    _ writer: borrowing ResponseWriter, channel: any Channel
  ) async -> Reply {
    await RequestID.$current.withValue(id) {
      do {
        return try await answer(request, match, path: path, query: query, writer, channel: channel)
      } catch {
        return .failure(logger.rendering(error, method: request.method, path: path))
      }
    }
  }

  /// What the route table has for a request that may be answered.
  @concurrent private func answer(
    _ request: Request, _ match: RouteTable.Match, path: Substring, query: Substring,
    _ writer: borrowing ResponseWriter, channel: any Channel
  ) async throws -> Reply {
    switch match {
    case .none:
      return request.asksForAPage(path) ? .pageNotFound : .failure(.routeNotFound)
    case .otherMethods(let allowed):
      return request.method == .options
        ? .empty(.noContent, headers: [.allow: allowed])
        : .failure(.methodNotAllowed(request.method, allowed: allowed))
    case .found(let index, let parameters):
      let handled = table.routes[index]
      if handled.body == .collected {
        _ = try reader.declaredLength(of: request.head)
        // The connection gives NDJSON bodies all the time they want, which is for the one route that streams them.
        guard !MediaType.isNDJSON(request.headers[.contentType]) else { throw GatewayError.unsupportedMediaType }
      }
      if request.headers[.expect]?.lowercased() == "100-continue" {
        try await writer.writeInformationalHead(HTTPResponse(status: .continue))
      }
      let incoming = IncomingRequest(
        head: request.head, path: path, query: try QueryParameters(query), parameters: parameters,
        body: handled.body == .collected ? try await reader.collect(request.body, of: request.head) : ByteBuffer(),
        bodyParts: request.body, channel: channel, maximumJSONDepth: jsonDepth, keyCharacters: handled.keyCharacters)
      return try await handled.handler(incoming)
    }
  }

  @concurrent private func write(_ reply: Reply, _ writer: consuming ResponseWriter, _ id: String) async throws {
    switch reply {
    case .complete(var head, let body):
      if drain.isSet { head.headerFields[.connection] = "close" }
      try await writer.write(
        response: head, body: body.readableBytes > 0 ? ResponseBody(byteBuffer: body) : ResponseBody())
    case .stream(let head, let body):
      defer { body.onEnd() }
      let bodyWriter = try await writer.writeHead(head)
      var erased: any ResponseBodyWriter = bodyWriter
      // What happens while it is written is this request's, too.
      try await RequestID.$current.withValue(id) { try await body.write(&erased) }
    }
  }
}

extension OriginRules.Request {
  fileprivate init(_ head: HTTPRequest) {
    let headers = head.headerFields
    self.init(
      method: head.method.rawValue, authority: head.authority, origin: headers[.origin], site: headers[.fetchSite],
      preflightMethod: headers[.accessControlRequestMethod])
  }
}

extension Request {
  /// Whether a browser was sent here by a person, by an address that is none of the API's.
  fileprivate func asksForAPage(_ path: Substring) -> Bool {
    method == .get && !path.hasPrefix("/api/") && headers[.accept]?.hasPrefix("text/html") == true
  }

  /// Whether it was sent with what says who the caller is, readable or not.
  fileprivate func isCredentialed(query: Substring) -> Bool {
    let isInHeaders = [.authorization, .apiKey, .sessions].contains { headers[$0] != nil }
    guard !isInHeaders, let query = try? QueryParameters(query) else { return isInHeaders }
    return ["participantId", "participantToken", "ticket", "session"].contains { query[$0] != nil }
  }
}
