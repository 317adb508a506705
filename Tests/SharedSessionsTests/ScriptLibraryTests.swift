import Foundation
import RedisClient
import Testing

@testable import SharedSessions

/// What every script must be, whatever it does.
struct ScriptLibraryTests {
  @Test func everyScriptIsCalledWithWhatItsHeadNames() {
    #expect(ScriptLibrary.all.flatMap(\.faults) == [])
  }

  @Test func everyFileIsAScriptOfTheLibrary() throws {
    let directory = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/SharedSessions/Scripts").standardizedFileURL
    let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
      .filter { $0.hasSuffix(".lua") && !$0.hasPrefix("include_") }.map { String($0.dropLast(4)) }
    #expect(Set(files) == Set(ScriptLibrary.all.map(\.name)))
    #expect(ScriptLibrary.all.count == files.count)
  }

  @Test func noBodyCountsPositionsAndNoneIsLong() throws {
    let directory = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/SharedSessions/Scripts").standardizedFileURL
    for file in try FileManager.default.contentsOfDirectory(atPath: directory.path) where file.hasSuffix(".lua") {
      let text = try String(contentsOf: directory.appending(path: file), encoding: .utf8)
      #expect(!text.contains("ARGV["), "\(file) counts arguments")
      #expect(!text.contains("KEYS["), "\(file) counts keys")
      if !file.hasPrefix("include_") {
        #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 61, "\(file) is long")
      }
    }
  }

  private func source(_ script: DomainScript) -> String { script.script(script.plain, SharedSessionSettings()).source }

  /// Only the functions that a script uses are in it, and no hot path decodes or quotes JSON.
  @Test func hotScriptsHoldNothingTheyDoNotNeed() {
    for script in [
      ScriptLibrary.messagePost, ScriptLibrary.notificationsAppend, ScriptLibrary.promptSubmit,
      ScriptLibrary.dispatchReport,
    ] {
      let source = source(script)
      #expect(!source.contains("cjson"), "\(script.name) uses cjson")
      #expect(!source.contains("gsub") || script.name != "message_post")
      #expect(!source.contains("function write_session"))
    }
    #expect(!source(ScriptLibrary.messagePost).contains("'ZADD', queue"))
    #expect(source(ScriptLibrary.promptSubmit).contains("'ZADD', queue"))
  }

  @Test func aHeadIsReadOverSeveralLines() {
    let source = ScriptSource(
      Array(
        """
        #!lua
        -- include: core
        -- keys: session events
        --   queue
        -- args: id text
        --   id: of what; text: JSON
        return {'ok'}
        """.utf8))
    #expect(source.keys == ["session", "events", "queue"])
    #expect(source.arguments == ["id", "text"])
    #expect(source.includes == ["core"])
  }

  @Test func namesInCommentsStringsAndFieldsAreNotUses() {
    let names = ScriptSource.identifiers(in: "local a = b.c .. 'd' -- e\nf{g = h, \"i\"}")
    #expect(names == ["local", "b", "f", "h"])
  }

  @Test func aScriptThatTouchesAKeyItDoesNotNameIsFound() {
    let script = DomainScript(
      "x", Array("#!lua\n-- keys: session\n-- args: id\nreturn call('GET', queue, session)".utf8),
      takes: ["id", "text"],
      including: [:])
    #expect(script.faults.count == 3, "\(script.faults)")
  }
}
