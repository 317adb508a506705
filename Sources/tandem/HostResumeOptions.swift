import AgentBridge
import ArgumentParser
import Foundation

/// Going on with what a bridge shared that was lost, and noting what the next one needs for that.
///
/// Isolation: an immutable value once parsed.
struct HostResumeOptions: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Share again what was shared from this directory when its bridge was lost: links and participants stay, and a prompt "
        + "that had begun is not run again. The agent begins a new conversation unless --load is given, too."))
  var resume = false

  /// Where this bridge notes what it needs to go on.
  ///
  /// - Parameters:
  ///   - directory: the one the agent works in.
  ///   - servers: the nodes that were named; nil when none were, so that those of before count.
  /// - Returns: nil when there is no place for it; what is shared then ends with this process.
  func journal(directory: String, servers: [String], environment: [String: String]) throws -> HostJournal? {
    guard let place = HostJournal.directory(environment: environment) else {
      guard !resume else { throw ValidationError("--resume finds no journal: neither XDG_STATE_HOME nor HOME is set.") }
      return nil
    }
    guard resume else {
      do {
        return try HostJournal.begin(in: place, JournalRecord(directory: directory, servers: servers))
      } catch {
        StandardError.write("tandem host: \(error.description) What is shared cannot be gone on with by --resume.")
        return nil
      }
    }
    do {
      return try HostJournal.resume(in: place, workingDirectory: directory)
    } catch {
      throw ValidationError("--resume: \(error.description)")
    }
  }
}
