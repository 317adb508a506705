import Foundation
import SharedSessions
import Testing

@Suite struct EventTypesTests {
  /// Every type that a script can write has to be one that a filter knows. Types put together in a script are listed.
  @Test func theVocabularyIsWhatTheScriptsWrite() throws {
    let built: Set<String> = [
      "prompt_approved", "prompt_pending_approval", "prompt_rejected", "permission_resolved", "permission_withdrawn",
      "question_resolved", "question_withdrawn", "participant_online", "participant_offline", "host_online",
      "host_offline",
    ]
    var found: Set<String> = []
    let scripts = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/SharedSessions/Scripts").standardizedFileURL
    for file in try FileManager.default.contentsOfDirectory(at: scripts, includingPropertiesForKeys: nil) {
      let script = try String(contentsOf: file, encoding: .utf8)
      for mark in ["emit('", "emit_saved('", "write_event('"] {
        for call in script.split(separator: mark).dropFirst() { found.insert(String(call.prefix { $0 != "'" })) }
      }
    }
    found = found.filter { !$0.hasSuffix("_") }
    #expect(found.count > 10)
    #expect(found.subtracting(EventTypes.written).isEmpty, "written by scripts and in no vocabulary")
    #expect(EventTypes.written.subtracting(found).subtracting(built).isEmpty, "in the vocabulary and written by nobody")
  }

  @Test func aFilterTakesItsTypesAndTheEnd() throws {
    let filter = try #require(try EventTypeFilter(" message_created, host_online ,,connected"))
    for type in ["message_created", "host_online", "session_closed"] { #expect(filter.takes(type)) }
    for type in ["host_offline", "session_updated"] { #expect(!filter.takes(type)) }
    #expect(try EventTypeFilter("") == nil)
    #expect(try EventTypeFilter(" , ") == nil)
    let error = #expect(throws: EventTypeFilter.UnknownType.self) { try EventTypeFilter("host_online,message") }
    #expect(error?.word == "message")
  }
}
