internal import NIOCore
internal import RedisClient

extension ScriptRunner {
  /// A session that has just been made takes up what is kept of its host session's agent.
  ///
  /// It is read only after the session is there, so that a notification which came too early for the session is in it; and the
  /// session takes none of it that it has heard of itself since.
  func takeAgent(_ sessionID: String, of hostSessionID: String) async throws(SharedSessionError) {
    let parts = try await host(ScriptLibrary.hostAgent, hostSessionID).parts()
    guard !parts.isEmpty else { return }
    let none: ScriptArguments = [:]
    let outcome = try await session(
      ScriptLibrary.agentTake, sessionID, none.adding("parts", parts.map { .bytes($0.bytes ?? ByteBuffer()) }))
    if outcome.refusal != ErrorCode.sessionNotFound.rawValue { _ = try outcome.parts() }
  }
}
