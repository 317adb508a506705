internal import JSONText
internal import NIOCore

/// One session of a listing: its JSON, and the fields a filter goes by. A value.
struct ListedSession: Sendable {
  let json: ByteBuffer
  private let fields: JSONText

  init(_ json: ByteBuffer) throws(SharedSessionError) {
    self.json = json
    do { fields = try JSONText(validating: json) } catch { throw SharedSessionError(.internalError) }
  }

  func matches(_ filter: SessionFilter) -> Bool {
    (filter.status == nil || fields["status"]?.string == filter.status?.rawValue)
      && (filter.workspaceID == nil || fields["workspaceId"]?.string == filter.workspaceID)
      && (filter.hostSessionID == nil || fields["hostSessionId"]?.string == filter.hostSessionID)
  }
}
