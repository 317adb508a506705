import AgentClientProtocol
import JSONText

/// Reads and writes files for an agent, below its working directory; an immutable value.
struct FileDesk: Sendable {
  /// Bytes of the text before a change that are shown beside the new one.
  private static let shownBytes = 64 * 1024

  let tree: WorkingTree
  /// Whether each write waits for somebody to allow it.
  let asksForWrites: Bool
  /// Asks as the agent's own questions are asked.
  let ask: @Sendable (AgentPermissionRequest) async -> AgentPermissionOutcome

  func use(_ request: AgentToolRequest) async -> AgentToolAnswer {
    guard let path = request.params["path"]?.string else { return .invalid("A path is missing.") }
    do throws(WorkingTree.Failure) {
      if request.method == "fs/read_text_file" { return try read(path, request.params) }
      guard let content = request.params["content"]?.string else { return .invalid("The content is missing.") }
      return try await write(path, content, request)
    } catch {
      return error == .notFound ? .notFound : .invalid(error.description)
    }
  }

  private func read(_ path: String, _ params: JSONText) throws(WorkingTree.Failure) -> AgentToolAnswer {
    guard let text = String(validating: try tree.read(path), as: UTF8.self) else {
      return .invalid("The file is not UTF-8 text.")
    }
    let first = max(Int(clamping: params["line"]?.integer ?? 1), 1)
    let limit = params["limit"]?.integer.map { max(Int(clamping: $0), 0) }
    return .result(JSONText { $0.add("content", Self.lines(of: text, from: first, atMost: limit)) })
  }

  /// Some lines of a text, with their ends; the first one has number 1.
  static func lines(of text: String, from first: Int, atMost limit: Int?) -> String {
    if first == 1, limit == nil { return text }
    let bytes = text.utf8
    var start = bytes.startIndex
    for _ in 1..<first {
      guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else { return "" }
      start = bytes.index(after: end)
    }
    var end = bytes.endIndex
    if let limit {
      end = start
      for _ in 0..<limit {
        guard let next = bytes[end...].firstIndex(of: UInt8(ascii: "\n")) else {
          end = bytes.endIndex
          break
        }
        end = bytes.index(after: next)
      }
    }
    return String(text[start..<end])
  }

  private func write(
    _ path: String, _ content: String, _ request: AgentToolRequest
  ) async throws(WorkingTree.Failure) -> AgentToolAnswer {
    // What can't be written isn't asked for.
    var old: [UInt8]?
    do throws(WorkingTree.Failure) {
      old = try tree.read(path)
    } catch {
      guard error == .notFound else { throw error }
    }
    if asksForWrites {
      let question = Self.question(path, content, old, request)
      switch await ask(question) {
      case .selected(optionID: "allow"): break
      case .selected: return .error(code: -32603, message: "The host does not allow this write.")
      case .cancelled: return .cancelled
      }
    }
    guard !Task.isCancelled else { return .cancelled }
    try tree.write(Array(content.utf8), to: path)
    return .result(JSONText { _ in })
  }

  /// The question with all that is to be written.
  private static func question(
    _ path: String, _ content: String, _ old: [UInt8]?, _ request: AgentToolRequest
  ) -> AgentPermissionRequest {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let params = JSONText { params in
      params.add("sessionId", request.sessionID)
      params.add("toolCall") { call in
        call.add("toolCallId", "write-\(request.key)")
        call.add("title", "\(old == nil ? "Create" : "Write") \(name)")
        call.add("kind", "edit")
        call.add("locations", JSONText(array: [JSONText { $0.add("path", path) }]))
        let diff = JSONText { diff in
          diff.add("type", "diff")
          diff.add("path", path)
          if let old, old.count <= shownBytes { diff.add("oldText", String(decoding: old, as: UTF8.self)) }
          diff.add("newText", content)
        }
        call.add("content", JSONText(array: [diff]))
      }
      let options = [("allow", "Write it", "allow_once"), ("reject", "Do not write it", "reject_once")]
      params.add(
        "options",
        JSONText(
          array: options.map { id, name, kind in
            JSONText {
              $0.add("optionId", id)
              $0.add("name", name)
              $0.add("kind", kind)
            }
          }))
    }
    guard let question = AgentPermissionRequest(key: request.key, params: params) else {
      preconditionFailure("a question of our own has everything it needs")
    }
    return question
  }
}
