import JSONText
import Logging
import NIOCore
import ServerSentEvents

/// A stream of events that is opened again whenever it ends, on any node, for ever; a value with one reader.
struct NodeStream: Sendable {
  let client: NodeClient
  let path: String
  let token: String?
  let logger: Logger
  /// Where the first connection starts; later ones go on from the last event.
  var lastEventID: String?

  /// Reads events until the task is cancelled, the handler says that it has seen enough, or a node refuses for good.
  ///
  /// - Parameters:
  ///   - onEvent: takes each event's JSON, in order; returns false to stop.
  ///   - onConnection: is told when a connection begins (true) and ends (false).
  /// - Throws: `NodeError.refused` with what the node said, or `.stopped`.
  func read(
    onConnection: @Sendable (Bool) async -> Void = { _ in }, onEvent: @Sendable (JSONText) async -> Bool
  ) async throws(NodeError) {
    var cursor = lastEventID
    var backoff = Backoff()
    while true {
      var parser = ServerSentEventParser(lastEventID: cursor)
      var isDone = false
      var isConnected = false
      do {
        try await client.read(path, token: token, lastEventID: cursor) { piece throws(NodeError) in
          if !isConnected {
            isConnected = true
            await onConnection(true)
          }
          let items: [ServerSentEventParser.Item]
          do { items = try parser.parse(piece) } catch { throw .unreachable("\(error)") }
          for case .event(let event) in items {
            backoff.reset()
            guard let json = try? JSONText(validating: event.data, maximumDepth: 256) else {
              logger.warning("a stream holds an event that is no JSON", metadata: ["path": "\(path)"])
              continue
            }
            if await !onEvent(json) {
              isDone = true
              throw .stopped
            }
          }
        }
        logger.debug("a stream ended and is opened again", metadata: ["path": "\(path)"])
      } catch {
        if isDone { return }
        guard error.isPassing else { throw error }
        logger.info("a stream broke and is opened again", metadata: ["path": "\(path)", "reason": "\(error)"])
      }
      if isConnected { await onConnection(false) }
      cursor = parser.lastEventID
      do { try await Task.sleep(for: backoff.next()) } catch { throw .stopped }
    }
  }
}
