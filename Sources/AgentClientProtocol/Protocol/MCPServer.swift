import JSONText

/// A server of the Model Context Protocol that an agent is to use; an immutable value.
public struct MCPServer: Sendable, Hashable {
  /// What it is called.
  public let name: String
  /// How it is talked to: `stdio`, `http` or `sse`.
  public let transport: String
  /// What is given to it by name, as a variable or a header: often secrets.
  public let values: [String: String]
  /// The entry in the agent protocol's form.
  let text: JSONText

  /// Why a file of servers can't be used; one sentence.
  public struct Problem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The sentence.
    public let description: String
  }

  /// Bytes of the largest file of servers.
  public static let fileBytes = 1024 * 1024

  /// Whether an agent can talk to it.
  func fits(_ agent: AgentDescription) -> Bool {
    transport == "stdio" || agent.serverTransports.contains(transport)
  }

  /// Reads what editors keep: `{"mcpServers": {"name": {"command": ..., "args": [...], "env": {...}}}}`, or with `url` and
  /// `headers`. Some call the outer field `servers` or `context_servers`, or leave it out.
  ///
  /// - Throws: `Problem` naming the entry that can't be used.
  public static func list(_ text: String) throws(Problem) -> [MCPServer] {
    let file: JSONText
    do {
      file = try JSONText(validating: text)
    } catch {
      throw Problem(description: "it is no JSON: \(error.message)")
    }
    let servers = ["mcpServers", "servers", "context_servers"].lazy.compactMap { file[$0] }.first ?? file
    guard servers.kind == .object else { throw Problem(description: "it holds no object of servers.") }
    var list: [MCPServer] = []
    for (name, entry) in servers.members where entry["disabled"]?.bool != true { list.append(try read(name, entry)) }
    return list
  }

  private static func read(_ name: String, _ entry: JSONText) throws(Problem) -> MCPServer {
    if let url = entry["url"]?.string ?? entry["serverUrl"]?.string {
      let transport = entry["type"]?.string == "sse" ? "sse" : "http"
      let headers = try pairs(entry["headers"], "headers", name)
      return MCPServer(
        name: name, transport: transport, values: headers,
        text: JSONText {
          $0.add("type", transport)
          $0.add("name", name)
          $0.add("url", url)
          $0.add("headers", json(headers))
        })
    }
    guard let command = entry["command"]?.string, !command.isEmpty else {
      throw Problem(description: "\"\(name)\" has neither a command nor a url.")
    }
    let arguments = entry["args"] ?? JSONText(array: [])
    guard arguments.kind == .array, arguments.elements.allSatisfy({ $0.kind == .string }) else {
      throw Problem(description: "\"args\" of \"\(name)\" must be a list of strings.")
    }
    let variables = try pairs(entry["env"], "env", name)
    return MCPServer(
      name: name, transport: "stdio", values: variables,
      text: JSONText {
        $0.add("name", name)
        $0.add("command", command)
        $0.add("args", arguments)
        $0.add("env", json(variables))
      })
  }

  private static func pairs(_ object: JSONText?, _ field: String, _ name: String) throws(Problem) -> [String: String] {
    guard let object, !object.isNull else { return [:] }
    var pairs: [String: String] = [:]
    for (key, value) in object.members {
      guard let value = value.string else {
        throw Problem(description: "\"\(field)\" of \"\(name)\" must be an object of strings.")
      }
      pairs[key] = value
    }
    guard object.kind == .object else {
      throw Problem(description: "\"\(field)\" of \"\(name)\" must be an object of strings.")
    }
    return pairs
  }

  private static func json(_ pairs: [String: String]) -> JSONText {
    JSONText(
      array: pairs.sorted { $0.key < $1.key }.map { name, value in
        JSONText {
          $0.add("name", name)
          $0.add("value", value)
        }
      })
  }
}
