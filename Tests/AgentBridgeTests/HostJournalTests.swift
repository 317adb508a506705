import Foundation
import JSONText
import NIOCore
import Testing

@testable import AgentBridge

@Suite("What a bridge notes for the one after it")
struct HostJournalTests {
  /// Runs in a directory of its own.
  private func withDirectory(_ body: (String) throws -> Void) throws {
    let directory = NSTemporaryDirectory() + "tandem-journal-\(UInt32.random(in: 0...UInt32.max))"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try body(directory + "/tandem/hosts")
  }

  private var record: JournalRecord { JournalRecord(directory: "/work", servers: ["http://one", "http://two"]) }

  private let host = HostAPI.HostSession(id: "h-1", token: "secret \"token\"")

  private var session: SharedSession {
    SharedSession(
      server: "http://one", id: "s-1", inviteToken: "i", hostSessionID: "h-1", hostParticipantID: "p",
      hostAccessToken: "a")
  }

  @Test func everyStepIsWhatTheNextBridgeReads() throws {
    var record = record
    #expect(JournalRecord(record.text) == record)
    record.host = host
    #expect(JournalRecord(record.text) == record)
    record.session = session
    for number in 0..<(JournalRecord.mostBegun + 5) { record.begin("d-\(number)") }
    #expect(record.begun.count == JournalRecord.mostBegun && record.begun.first == "d-5")
    #expect(JournalRecord(record.text) == record)
  }

  @Test(arguments: [
    "{}", "[]", #"{"version":2,"directory":"/","servers":["s"],"begun":[]}"#,
    #"{"version":1,"directory":"/","servers":[],"begun":[]}"#,
    #"{"version":1,"directory":"/","servers":["s"],"begun":[1]}"#,
    #"{"version":1,"directory":"/","servers":["s"],"begun":[],"hostSessionId":"h"}"#,
    #"{"version":1,"directory":"/","servers":["s"],"begun":[],"hostSessionId":"../x","hostToken":"t"}"#,
    #"{"version":1,"directory":"/","servers":["s"],"begun":[],"hostSessionId":"h","hostToken":"t","session":{"id":"s"}}"#,
  ])
  func whatIsNoJournalIsNotRead(text: String) throws {
    #expect(JournalRecord(try JSONText(validating: text)) == nil)
  }

  @Test func itBelongsToOneProcessAndToItsOwner() throws {
    try withDirectory { directory in
      do {
        let journal = try HostJournal.begin(in: directory, record)
        try journal.save { $0.host = host }
        let failure = #expect(throws: HostJournal.Failure.self) {
          try HostJournal.resume(in: directory, workingDirectory: "/work")
        }
        #expect(failure?.description.contains("still shared") == true)
        for path in try FileManager.default.contentsOfDirectory(atPath: directory) {
          let mode = try FileManager.default.attributesOfItem(atPath: "\(directory)/\(path)")[.posixPermissions]
          #expect(mode as? Int == 0o600)
        }
      }
      #expect(throws: HostJournal.Failure.self) { try HostJournal.resume(in: directory, workingDirectory: "/other") }
      let resumed = try HostJournal.resume(in: directory, workingDirectory: "/work")
      #expect(resumed.record.host == host && resumed.record.session == nil)
      resumed.remove()
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
    }
  }

  @Test func aChangeThatCannotBeWrittenIsNotMade() throws {
    try withDirectory { directory in
      let journal = try HostJournal.begin(in: directory, record)
      try FileManager.default.removeItem(atPath: directory)
      #expect(throws: HostJournal.Failure.self) { try journal.save { $0.begin("d") } }
      #expect(journal.record.begun == [])
    }
  }

  @Test func aLinkAndAFileThatOthersMayReadAreNotBelieved() throws {
    try withDirectory { directory in
      try HostJournal.begin(in: directory, record).save { $0.host = host }
      let path =
        directory + "/" + (try #require(JournalFiles.newest(in: directory).first).split(separator: "/").last ?? "")
      try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
      #expect(throws: HostJournal.Failure.self) { try HostJournal.resume(in: directory, workingDirectory: "/work") }
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
      try FileManager.default.moveItem(atPath: path, toPath: directory + "/elsewhere")
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: directory + "/elsewhere")
      #expect(throws: HostJournal.Failure.self) { try HostJournal.resume(in: directory, workingDirectory: "/work") }
    }
  }

  @Test func onlySoManyAreKeptAndThoseInUseStay() throws {
    try withDirectory { directory in
      let used = try HostJournal.begin(in: directory, record)
      for _ in 0..<(HostJournal.mostKept + 3) { _ = try HostJournal.begin(in: directory, record) }
      #expect(JournalFiles.newest(in: directory).count <= HostJournal.mostKept + 1)
      try used.save { $0.begin("still here") }
      _ = used
    }
  }

  @Test func itLiesWhereStateBelongs() {
    #expect(HostJournal.directory(environment: ["XDG_STATE_HOME": "/s", "HOME": "/h"]) == "/s/tandem/hosts")
    #expect(
      HostJournal.directory(environment: ["XDG_STATE_HOME": "s", "HOME": "/h"]) == "/h/.local/state/tandem/hosts")
    #expect(HostJournal.directory(environment: [:]) == nil)
  }
}
