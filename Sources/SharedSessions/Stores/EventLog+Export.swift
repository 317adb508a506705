public import NIOCore

/// A page of an export. A value.
public struct ExportPage: Sendable {
  /// Each event's JSON, oldest first, as the reader may see it.
  public var lines: [ByteBuffer]
  /// Where to go on, or nil at the end.
  public var next: ExportPosition?
}

/// How far an export has come, and what its reader may see of what follows. A value.
public struct ExportPosition: Sendable, Hashable {
  var cursor: String
  var visibility: EventVisibility
}

extension EventLog {
  /// `GET .../export`: every event that is kept, also after the end of the session.
  ///
  /// - Parameters:
  ///   - after: `next` of the page before; nil begins, and checks the reader.
  public func exportPage(
    _ sessionID: String, reader: Reader, after: ExportPosition?, limit: Int
  ) async throws(SharedSessionError) -> ExportPage {
    guard let after else {
      let visibility = try await visibility(sessionID, of: reader)
      return exported(try await page(sessionID, after: "earliest", limit: limit), as: visibility)
    }
    let page = try await page(sessionID, after: after.cursor, limit: limit)
    // A cursor that was trimmed while the export ran: go on with what is left rather than stop half-way.
    guard page.isCursorKnown else {
      return exported(try await self.page(sessionID, after: "earliest", limit: limit), as: after.visibility)
    }
    return exported(page, as: after.visibility)
  }

  private func visibility(_ sessionID: String, of reader: Reader) async throws(SharedSessionError) -> EventVisibility {
    let parts = try await runner.session(
      ScriptLibrary.exportAuthorize, sessionID, as: ScriptRunner.Caller(reader)
    ).parts(atLeast: 3)
    if case .trusted = reader { return .everything }
    guard let viewerUpdates = ViewerUpdates(rawValue: try parts.text(1)), let id = EventID(try parts.text(2)) else {
      throw SharedSessionError(.internalError)
    }
    let participantID: String? =
      switch reader {
      case .trusted: nil
      case .anybody(let credentials): credentials?.participantID
      case .participant(let credentials): credentials.participantID
      }
    return EventVisibility(
      participantID: participantID, role: Role(rawValue: try parts.text(0)), viewerUpdates: viewerUpdates, asOf: id)
  }

  private func exported(_ page: EventPage, as visibility: EventVisibility) -> ExportPage {
    var visibility = visibility
    var lines: [ByteBuffer] = []
    lines.reserveCapacity(page.events.count)
    for event in page.events {
      if let line = visibility.isReduced ? ViewerReduction.event(event.type, event.data) : event.data {
        lines.append(line)
      }
      if let id = event.position?.id,
        let change = VisibilityChange(event.type, subject: event.subject, event.data)
      {
        visibility.passed(change, at: id)
      }
    }
    let last = page.reachedEnd ? nil : page.events.last?.id
    return ExportPage(lines: lines, next: last.map { ExportPosition(cursor: $0, visibility: visibility) })
  }
}
