import AgentBridge
import AgentClientProtocol
import ArgumentParser
import Foundation

/// Which conversation of the agent is shared, and what it is opened with.
///
/// Isolation: an immutable value once parsed.
struct HostConversationOptions: ParsableArguments {
  /// What the agent is asked instead of being shared.
  enum Task: Sendable {
    case listConversations
    case signOut
  }

  @Flag(help: "List the agent's conversations and end; with --json one object a line. Nothing is shared.")
  var sessions = false

  @Option(
    help: ArgumentHelp(
      "Go on with a conversation: its id, or last for the one of this directory that was gone on with last. What was said "
        + "before is shown as history.", valueName: "id|last"))
  var load: String?

  @Option(
    help: ArgumentHelp(
      "A file with MCP servers for the agent, in the form editors use: {\"mcpServers\": {\"name\": {\"command\": ...}}}.",
      valueName: "file"))
  var mcpServers: String?

  @Option(
    name: .customLong("directory"), parsing: .singleValue,
    help: ArgumentHelp(
      "A further directory the agent works in, for agents that take some. Repeat it for several.",
      valueName: "directory"))
  var directory: [String] = []

  @Flag(help: "Have the agent forget who is signed in, and end. Nothing is shared.")
  var signOut = false

  func validate() throws {
    if sessions, signOut { throw ValidationError("Give --sessions or --sign-out, not both.") }
    if load?.isEmpty == true { throw ValidationError("--load takes the id of a conversation, or last.") }
    _ = try servers()
    for path in directories(from: FileManager.default.currentDirectoryPath) {
      var isDirectory: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue else {
        throw ValidationError("--directory: \(path) is no directory.")
      }
    }
  }

  /// What the agent is asked instead of being shared.
  var task: Task? {
    if sessions { return .listConversations }
    return signOut ? .signOut : nil
  }

  /// The conversation to go on with.
  var choice: ConversationChoice? {
    load.map { $0 == "last" ? .last : .id($0) }
  }

  /// The further directories, each as an absolute path.
  func directories(from place: String) -> [String] {
    directory.map { URL(fileURLWithPath: $0, relativeTo: URL(fileURLWithPath: place)).standardizedFileURL.path }
  }

  /// The servers in the file.
  func servers() throws -> [MCPServer] {
    guard let mcpServers else { return [] }
    guard let file = FileHandle(forReadingAtPath: mcpServers),
      let bytes = try? file.read(upToCount: MCPServer.fileBytes + 1)
    else { throw ValidationError("--mcp-servers: \(mcpServers) cannot be read, or is empty.") }
    guard bytes.count <= MCPServer.fileBytes, let text = String(validating: bytes, as: UTF8.self) else {
      throw ValidationError("--mcp-servers: \(mcpServers) is not UTF-8 text of at most 1 MiB.")
    }
    do {
      return try MCPServer.list(text)
    } catch {
      throw ValidationError("--mcp-servers: in \(mcpServers), \(error)")
    }
  }
}
