public import AgentClientProtocol
internal import Basics
public import JSONText
import NIOPosix

/// `tandem host --json`: one JSON object a line and nothing else; an immutable value.
///
/// Whoever reads the lines may be slow, or not read at all. That holds back the stream of events, which a node then ends
/// and which goes on later from its cursor; the agent's work and everything else goes on meanwhile.
public struct JSONLinesObserver: HostObserver {
  private let write: @Sendable (JSONText) -> Void

  /// - Parameter write: takes the lines one after another, each without an end and without one inside. It may block, for
  ///   it is called on a thread made for that.
  public init(write: @escaping @Sendable (JSONText) -> Void) {
    self.write = write
  }

  /// Writes the first line.
  public func sharing(_ session: SharedSession, _ control: HostControl) async {
    await writeBlocking(session.firstLine)
  }

  /// Writes the event.
  public func event(_ event: JSONText) async {
    await writeBlocking(event.compacted())
  }

  /// Writes a line in the event's place.
  public func eventSkipped() async {
    await writeBlocking(JSONText { $0.add("type", "event_skipped") })
  }

  /// Writes a line that holds the event.
  public func viewerSees(_ event: JSONText) async {
    await writeBlocking(
      JSONText {
        $0.add("type", "viewer_sees")
        $0.add("event", event.compacted())
      })
  }

  /// Writes a line with the number of each kind.
  public func secretsRemoved(_ count: RedactionCount) async {
    await writeBlocking(
      JSONText { line in
        line.add("type", "secrets_removed")
        line.add("removed") { removed in
          for (kind, number) in count.kinds.sorted(by: { $0.key < $1.key }) { removed.add(kind, number) }
        }
      })
  }

  /// Nobody reads: nobody can be asked.
  public func asksPermission(_ request: AgentPermissionRequest) async -> AgentPermissionOutcome? { nil }

  /// Returns when the line is written, or when the task is cancelled: a reader that has stopped must not keep the
  /// program from ending.
  private func writeBlocking(_ line: JSONText) async {
    let written = Latch()
    NIOThreadPool.singleton.submit { [write] _ in
      write(line)
      written.set()
    }
    await written.wait()
  }
}
