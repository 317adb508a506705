import SharedSessions

/// Cursors as clients see them; a namespace.
///
/// A stream of one session has the id of an event, or `earliest` before the first. A stream of several has one for each
/// of them, in the order in which they were asked for and joined with commas; `-` stands for a session that has none.
public enum StreamCursor {
  /// Where a stream of one session starts.
  public static func start(_ cursor: String?) -> StreamRequest.Start {
    guard let cursor else { return .live }
    return cursor == "earliest" ? .earliest : .after(cursor)
  }

  /// Where a stream of several sessions starts in each of them.
  ///
  /// - Parameters:
  ///   - combined: the cursor the client resumes from, or nil. `earliest` alone counts for all sessions.
  ///   - own: what was asked for each session, which counts where the combined one says nothing.
  /// - Returns: one for each of `own`. A part that is no cursor, or a cursor with another number of parts, leads to
  ///   starts that are answered by a reset, not by an error.
  public static func starts(_ combined: String?, own: [String?]) -> [StreamRequest.Start] {
    guard let combined else { return own.map(start) }
    guard combined != "earliest" else { return own.map { _ in .earliest } }
    let parts = combined.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count == own.count else { return own.map { _ in .after("") } }
    return zip(parts, own).map { part, own in part == none ? start(own) : start(String(part)) }
  }

  /// What a session that was refused has in a combined cursor: the cursor it was asked with, so that the next attempt
  /// starts there.
  static func kept(_ start: StreamRequest.Start) -> String {
    switch start {
    case .live: none
    case .earliest: text(.zero)
    case .after(let cursor): EventID(cursor).map(text) ?? none
    }
  }

  static func text(_ id: EventID) -> String { id == .zero ? "earliest" : id.description }

  private static let none = "-"
}
