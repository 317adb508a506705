import Basics
import JSONText
import Logging
import NIOCore
import Observability
import ServerSentEvents

/// A stream of events that is opened again whenever it ends, on any node, for ever; a value with one reader.
///
/// An event that can't be read, because it is too large or no JSON, is passed over: the cursor is behind it, so that the
/// next connection doesn't bring it again.
struct NodeStream: Sendable {
  let client: NodeClient
  let path: String
  let token: String?
  let logger: Logger
  /// Bytes of the largest event that is read.
  var maximumEventBytes = BridgeConfiguration.defaultEventBytes
  /// Where the first connection starts; later ones go on from the last event.
  var lastEventID: String?

  /// Reads events until the task is cancelled, the handler says that it has seen enough, or a node refuses for good.
  ///
  /// - Parameters:
  ///   - onSkipped: is told that an event was passed over, in the place where it stood.
  ///   - onEvent: takes each event's JSON, in order; returns false to stop.
  ///   - onConnection: is told when a connection begins (true) and ends (false).
  /// - Throws: `NodeError.refused` with what the node said, or `.stopped`.
  func read(
    onConnection: @Sendable (Bool) async -> Void = { _ in }, onSkipped: @Sendable () async -> Void = {},
    onEvent: @Sendable (JSONText) async -> Bool
  ) async throws(NodeError) {
    var cursor = lastEventID
    var backoff = Backoff()
    while true {
      var parser = ServerSentEventParser(
        lastEventID: cursor, maximumEventBytes: maximumEventBytes, skipsTooLarge: true)
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
          for item in items {
            switch item {
            case .retry, .comment: continue
            case .event(let event):
              backoff.reset()
              guard let json = try? JSONText(validating: event.data, maximumDepth: 256) else {
                logger.warning("an event that is no JSON was passed over", metadata: [LogKey.path: "\(path)"])
                await onSkipped()
                continue
              }
              if await !onEvent(json) {
                isDone = true
                throw .stopped
              }
            case .tooLarge:
              backoff.reset()
              logger.warning(
                "an event that is too large was passed over",
                metadata: [LogKey.path: "\(path)", LogKey.limitBytes: "\(maximumEventBytes)"])
              await onSkipped()
            }
          }
        }
        logger.debug("a stream ended and is opened again", metadata: [LogKey.path: "\(path)"])
      } catch {
        if isDone { return }
        guard error.isPassing else { throw error }
        logger.info("a stream broke and is opened again", metadata: [LogKey.path: "\(path)", LogKey.error: "\(error)"])
      }
      if isConnected { await onConnection(false) }
      cursor = parser.lastEventID
      do { try await Task.sleep(for: backoff.next()) } catch { throw .stopped }
    }
  }
}
