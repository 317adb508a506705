import AsyncHTTPClient
import Basics
import Foundation
import JSONText
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Observability
import Synchronization

/// Calls to the nodes; safe to share, what changes sits in a `Mutex`.
///
/// One node is used until it fails, then the next of the list: nodes are stateless, so any of them will do. A call is
/// answered once; `insist` goes on until it is.
final class NodeClient: Sendable {
  /// One call.
  struct Call: Sendable {
    var method: HTTPMethod
    var path: String
    var body: JSONText?
    /// Whether the body is sent as a line (NDJSON); it must then be on one line.
    var isLines = false
    /// What follows `Bearer`.
    var token: String?
    /// Makes a repeated call safe: the node answers the second one like the first and does nothing again.
    var idempotencyKey: String?
  }

  private let servers: [String]
  private let apiKey: String?
  private let http: HTTPClient
  private let logger: Logger
  private let position = Mutex(0)
  private let callTimeout: TimeAmount = .seconds(30)
  private let maximumReplyBytes = 16 * 1024 * 1024

  /// - Parameters:
  ///   - servers: base URLs without a slash at the end; at least one.
  ///   - apiKey: sent with every call, for nodes that want one.
  init(servers: [String], apiKey: String?, http: HTTPClient, logger: Logger) {
    self.servers = servers
    self.apiKey = apiKey
    self.http = http
    self.logger = logger
  }

  /// The node in use, and its place in the list.
  private var current: (index: Int, base: String) {
    let index = position.withLock { $0 }
    return (index, servers[index])
  }

  /// Goes on to the next node, unless somebody else has done so since.
  private func leave(_ index: Int) {
    guard servers.count > 1 else { return }
    let next = (index + 1) % servers.count
    let moved = position.withLock { position in
      guard position == index else { return false }
      position = next
      return true
    }
    if moved { logger.info("going on with another node", metadata: [LogKey.node: "\(servers[next])"]) }
  }

  private func request(_ call: Call, _ base: String) -> HTTPClientRequest {
    var request = HTTPClientRequest(url: base + call.path)
    request.method = call.method
    if let token = call.token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
    if let apiKey { request.headers.add(name: "x-api-key", value: apiKey) }
    if let key = call.idempotencyKey { request.headers.add(name: "idempotency-key", value: key) }
    if let body = call.body {
      request.headers.add(name: "content-type", value: call.isLines ? "application/x-ndjson" : "application/json")
      request.body = .bytes(body.bytes)
    }
    return request
  }

  /// Makes a call once.
  ///
  /// - Returns: the reply's body.
  /// - Throws: `NodeError`.
  func send(_ call: Call) async throws(NodeError) -> JSONText {
    let (index, base) = current
    let status: Int
    var body: ByteBuffer
    do {
      let response = try await http.execute(request(call, base), timeout: callTimeout)
      status = Int(response.status.code)
      body = try await response.body.collect(upTo: maximumReplyBytes)
    } catch {
      if Task.isCancelled { throw .stopped }
      leave(index)
      throw .unreachable("\(base): \(Self.describe(error))")
    }
    let reply = try? JSONText(validating: body, maximumDepth: 128)
    if (200..<300).contains(status), let reply { return reply }
    let error = Self.error(status: status, reply: reply, base: base)
    if error.isPassing { leave(index) }
    throw error
  }

  /// Makes a call until it is answered: with a result, or with a refusal that trying again won't change.
  ///
  /// - Throws: `NodeError.refused`, or `.stopped` when the task is cancelled.
  func insist(on call: Call) async throws(NodeError) -> JSONText {
    var backoff = Backoff()
    while true {
      do {
        return try await send(call)
      } catch {
        guard error.isPassing else { throw error }
        let pause = backoff.next()
        logger.info(
          "a call is made again",
          metadata: [LogKey.path: "\(call.path)", LogKey.error: "\(error)", LogKey.pause: "\(pause)"])
        do { try await Task.sleep(for: pause) } catch { throw .stopped }
      }
    }
  }

  /// Opens a stream and passes on its pieces until it ends.
  ///
  /// - Parameters:
  ///   - path: what to open; with a GET.
  ///   - lastEventID: the cursor to go on from.
  ///   - onPiece: takes the pieces in order; the next isn't read before it returns.
  /// - Throws: `NodeError`; `.unreachable` also for a stream that breaks. A stream that ends returns.
  func read(
    _ path: String, token: String?, lastEventID: String?, onPiece: (ByteBuffer) async throws(NodeError) -> Void
  ) async throws(NodeError) {
    let (index, base) = current
    var request = request(Call(method: .GET, path: path, token: token), base)
    request.headers.add(name: "accept", value: "text/event-stream")
    if let lastEventID { request.headers.add(name: "last-event-id", value: lastEventID) }
    do {
      let response = try await http.execute(request, deadline: .distantFuture)
      guard response.status == .ok else {
        let body = try? await response.body.collect(upTo: maximumReplyBytes)
        let reply = body.flatMap { try? JSONText(validating: $0, maximumDepth: 128) }
        throw Self.error(status: Int(response.status.code), reply: reply, base: base)
      }
      for try await piece in response.body { try await onPiece(piece) }
    } catch let error as HTTPClientError where error == .readTimeout {
      if Task.isCancelled { throw .stopped }
      leave(index)
      logger.warning("a stream was silent for longer than the read time-out", metadata: [LogKey.node: "\(base)"])
      throw .unreachable("\(base): nothing was heard for longer than the read time-out")
    } catch let error as NodeError {
      if error.isPassing { leave(index) }
      throw error
    } catch {
      if Task.isCancelled { throw .stopped }
      leave(index)
      throw .unreachable("\(base): \(Self.describe(error))")
    }
  }

  private static func error(status: Int, reply: JSONText?, base: String) -> NodeError {
    let message = reply?["error"]?.string ?? "status \(status)"
    // Whoever is too busy, starting or draining says so; another node, or a later moment, will do.
    if status >= 500 || status == 429 || status == 408 || (200..<300).contains(status) {
      return .unreachable("\(base): \(message)")
    }
    return .refused(status: status, code: reply?["code"]?.string ?? "HTTP_\(status)", message: message)
  }

  private static func describe(_ error: any Error) -> String {
    switch error {
    case let error as HTTPClientError: error.description
    case let error as IOError: String(cString: strerror(error.errnoCode))
    case let error as NIOConnectionError: error.connectionErrors.first.map { describe($0.error) } ?? "\(error)"
    case is NIOTooManyBytesError: "the reply is too large"
    default: "\(error)"
    }
  }
}
