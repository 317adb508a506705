import AgentClientProtocol
import JSONText
import Synchronization

/// What prompts are made of, as the agent gets it; safe to share, what was fetched sits in a `Mutex`.
final class DispatchContents: Sendable {
  private let api: HostAPI
  private let host: HostAPI.HostSession
  /// The blocks of the dispatch that was fetched last: one runs at a time.
  private let fetched = Mutex<(id: String, blocks: Result<[JSONText], AgentError>)?>(nil)

  init(api: HostAPI, host: HostAPI.HostSession) {
    (self.api, self.host) = (api, host)
  }

  /// Gets a dispatch's attachments, for as long as no node can be reached. Those that are gone fail the prompt, not the bridge.
  ///
  /// - Throws: `NodeError.stopped`.
  func fetch(_ dispatch: Dispatch) async throws(NodeError) {
    var blocks: [JSONText] = []
    var needsText = dispatch.isEdited
    var result: Result<[JSONText], AgentError>?
    for (number, block) in dispatch.content.enumerated() {
      switch block["type"]?.string {
      case "text" where dispatch.isEdited:
        if needsText { blocks.append(Self.text(dispatch.prompt)) }
        needsText = false
      case _ where block["dropped"]?.bool == true: break
      case "text", "resource_link": blocks.append(block)
      default:
        do {
          let reply = try await api.client.insist(on: api.block(number, of: dispatch, host))
          if let block = reply["block"], block.kind == .object { blocks.append(block) }
        } catch {
          guard case .refused = error else { throw error }
          result = .failure(AgentError(.refused, "An attachment of this prompt can't be had: \(error.description)"))
        }
      }
    }
    if needsText || dispatch.content.isEmpty { blocks.insert(Self.text(dispatch.prompt), at: 0) }
    let outcome = result ?? .success(blocks)
    fetched.withLock { $0 = (dispatch.id, outcome) }
  }

  /// The blocks of a dispatch that was fetched.
  func take(_ dispatch: Dispatch) throws(AgentError) -> [JSONText] {
    let found = fetched.withLock { fetched in
      defer { fetched = nil }
      return fetched
    }
    guard let found, found.id == dispatch.id else { return [Self.text(dispatch.prompt)] }
    return try found.blocks.get()
  }

  private static func text(_ text: String) -> JSONText {
    JSONText {
      $0.add("type", "text")
      $0.add("text", text)
    }
  }
}
