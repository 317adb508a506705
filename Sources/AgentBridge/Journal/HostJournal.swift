internal import JSONText
import NIOCore
import Synchronization
import SystemPackage

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The file in which a bridge notes what it needs to go on after it was lost: what is shared, with which tokens, and which
/// prompts were begun. Safe to share, its state sits in a `Mutex`.
///
/// It is replaced as a whole, and on the disk before anything that follows from it happens. Only its owner can read it. A lock
/// of the kernel's keeps it to one process and ends with that.
public final class HostJournal: Sendable {
  /// Why a journal cannot be used. A value.
  public struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
    /// One sentence for a person.
    public let description: String
  }

  /// Bytes of the largest file that is read.
  private static let mostBytes = 1 << 20
  /// Journals that are kept in a directory; of those whose bridge is gone the oldest go first.
  static let mostKept = 100

  private let path: String
  private let lock: SystemPackage.FileDescriptor
  private let state: Mutex<JournalRecord>

  private init(path: String, lock: SystemPackage.FileDescriptor, record: JournalRecord) {
    self.path = path
    self.lock = lock
    state = Mutex(record)
  }

  deinit { try? lock.close() }

  /// Where journals lie: below the directory that the XDG base directory specification names for state.
  ///
  /// - Returns: nil where neither `XDG_STATE_HOME` nor `HOME` says.
  public static func directory(environment: [String: String]) -> String? {
    if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return state + "/tandem/hosts" }
    if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.local/state/tandem/hosts" }
    return nil
  }

  /// Begins a journal.
  ///
  /// - Parameters:
  ///   - directory: made when it is not there.
  ///   - record: what is known at the beginning.
  public static func begin(in directory: String, _ record: JournalRecord) throws(Failure) -> HostJournal {
    try JournalFiles.make(directory)
    JournalFiles.forget(in: directory, keeping: mostKept - 1)
    let path = "\(directory)/\(String(UInt64.random(in: 0...UInt64.max), radix: 36)).json"
    guard let lock = try JournalFiles.lock(path) else {
      throw Failure(description: "Another bridge uses the journal \(path).")
    }
    let journal = HostJournal(path: path, lock: lock, record: record)
    try journal.save { _ in }
    return journal
  }

  /// Goes on with the newest journal of a directory whose bridge is gone.
  ///
  /// - Parameter workingDirectory: the one its agent worked in.
  /// - Throws: why there is none.
  public static func resume(
    in directory: String, workingDirectory: String
  ) throws(Failure) -> HostJournal {
    var isInUse = false
    for path in JournalFiles.newest(in: directory) {
      guard let record = try? read(path), record.directory == workingDirectory else { continue }
      guard let lock = try JournalFiles.lock(path) else {
        isInUse = true
        continue
      }
      // It may have been changed, or have gone, until the lock was taken.
      guard let record = try? read(path) else { continue }
      return HostJournal(path: path, lock: lock, record: record)
    }
    throw Failure(
      description: isInUse
        ? "What was shared from \(workingDirectory) is still shared by another process."
        : "Nothing was shared from \(workingDirectory) that could be gone on with.")
  }

  /// What is noted.
  public var record: JournalRecord { state.withLock { $0 } }

  /// Changes what is noted. It is on the disk when this returns.
  ///
  /// - Throws: why it could not be written; then nothing has changed.
  func save(_ change: (inout JournalRecord) -> Void) throws(Failure) {
    let result: Result<Void, Failure> = state.withLock { record in
      var changed = record
      change(&changed)
      do throws(Failure) {
        try JournalFiles.replace(path, with: changed.text.bytes)
      } catch { return .failure(error) }
      record = changed
      return .success(())
    }
    try result.get()
  }

  /// Nothing is to be gone on with any more.
  func remove() {
    unlink(path)
    unlink(JournalFiles.lockPath(path))
  }

  private static func read(_ path: String) throws(Failure) -> JournalRecord {
    let bytes = try JournalFiles.read(path, mostBytes: mostBytes)
    guard let text = try? JSONText(validating: bytes), let record = JournalRecord(text) else {
      throw Failure(description: "\(path) is no journal of a host.")
    }
    return record
  }
}
