import Foundation
import Logging
import NIOCore
import NIOPosix
import RedisClient
import TestSupport

@testable import SharedSessions

/// A call of a script as Redis got it. A value.
struct ScriptCall: Sendable {
  /// The script's name and its whole source, in the form that was called.
  let name: String
  let source: String
  let keys: [String]
  let arguments: [ByteBuffer]

  func evaluate(_ changed: String? = nil) -> RedisCommand {
    RedisCommand(
      "EVAL",
      arguments: [.string(changed ?? source), .integer(keys.count)] + keys.map { .string($0) }
        + arguments.map { .bytes($0) })
  }
}

/// What Redis says it was asked, while a body runs: `MONITOR` written to a file, read back as calls of scripts.
func recordingCalls(of server: RedisServer, _ body: () async throws -> Void) async throws -> [ScriptCall] {
  let file = server.directory.path + "/calls"
  let monitor = try ChildProcess(
    "/bin/sh", ["-c", "exec \(InstalledProgram.find("redis-cli")) -s \(server.socketPath) monitor > \(file)"])
  defer { monitor.end(SIGTERM) }
  let text = { try String(contentsOfFile: file, encoding: .utf8) }
  try await eventually("redis-cli monitors") { (try? text())?.hasPrefix("OK") == true }
  try await body()
  try await ClusterNode.with(server) { node in try await node.send("GET", "recorded-to-here") }
  try await eventually("all is recorded") { try text().contains("recorded-to-here") }
  let settings = SharedSessionSettings()
  let forms = ScriptLibrary.all.flatMap { script in
    [script.plain, script.repeatable].compactMap { $0 }.map { script.script($0, settings) }
  }
  return try text().split(separator: "\n").compactMap { line in
    let words = quotedWords(line)
    guard words.count > 3, ["EVALSHA", "EVAL"].contains(String(buffer: words[0]).uppercased()) else { return nil }
    let named = String(buffer: words[1])
    guard let script = forms.first(where: { $0.sha1 == named || $0.source == named }),
      let count = Int(String(buffer: words[2]))
    else { return nil }
    return ScriptCall(
      name: script.name, source: script.source, keys: words[3..<(3 + count)].map { String(buffer: $0) },
      arguments: Array(words[(3 + count)...]))
  }
}

/// The quoted words of a line of MONITOR.
private func quotedWords(_ line: Substring) -> [ByteBuffer] {
  var words: [ByteBuffer] = []
  var word: [UInt8]?
  var bytes = Array(line.utf8)[...]
  while let byte = bytes.popFirst() {
    guard word != nil else {
      if byte == UInt8(ascii: "\"") { word = [] }
      continue
    }
    switch byte {
    case UInt8(ascii: "\""):
      words.append(ByteBuffer(bytes: word ?? []))
      word = nil
    case UInt8(ascii: "\\"):
      let escape = bytes.popFirst() ?? 0
      let plain: [UInt8: UInt8] = [0x6E: 0x0A, 0x72: 0x0D, 0x74: 0x09, 0x61: 0x07, 0x62: 0x08]
      if escape == UInt8(ascii: "x") {
        word?.append(UInt8(String(decoding: bytes.prefix(2), as: UTF8.self), radix: 16) ?? 0)
        bytes = bytes.dropFirst(2)
      } else {
        word?.append(plain[escape] ?? escape)
      }
    default: word?.append(byte)
    }
  }
  return words
}

/// One server, asked directly: its redirections come back as errors. Sendable: immutable.
struct ClusterNode: Sendable {
  let server: RedisServer
  let client: RedisClient

  @discardableResult
  static func with<Value: Sendable>(
    _ server: RedisServer, _ body: @Sendable (ClusterNode) async throws -> Value
  ) async throws -> Value {
    // One connection, so that ASKING is about the command behind it.
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let client = RedisClient(
      configuration: server.configuration, eventLoopGroup: group,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let value = try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await client.run() }
      let value = try await body(ClusterNode(server: server, client: client))
      tasks.cancelAll()
      return value
    }
    try await group.shutdownGracefully()
    return value
  }

  @discardableResult
  func send(_ name: String, _ arguments: RedisArgument...) async throws -> RedisValue {
    try await client.send(RedisCommand(name, arguments: arguments), key: nil)
  }

  /// A command for a key that may be on its way to this node.
  func asking(_ command: RedisCommand) async throws -> RedisValue {
    _ = try await client.send(RedisCommand("ASKING"), key: nil)
    return try await client.send(command, key: nil)
  }
}
