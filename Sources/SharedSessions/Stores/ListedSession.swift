internal import NIOCore
internal import RedisClient

/// One session of a listing: its JSON, and the fields a filter goes by. A value.
struct ListedSession: Sendable {
  let json: ByteBuffer
  private let status: String
  private let workspaceID: String
  private let hostSessionID: String

  /// Reads the answer of `session_read.lua`.
  init(_ parts: [RedisValue]) throws(SharedSessionError) {
    json = try parts.part(0)
    status = try parts.text(1)
    workspaceID = try parts.text(2)
    hostSessionID = try parts.text(3)
  }

  func matches(_ filter: SessionFilter) -> Bool {
    (filter.status == nil || status == filter.status?.rawValue)
      && (filter.workspaceID == nil || workspaceID == filter.workspaceID)
      && (filter.hostSessionID == nil || hostSessionID == filter.hostSessionID)
  }
}
