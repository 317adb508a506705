internal import NIOCore
internal import RedisClient

/// What an attachment needs of Redis, so that its driver can be tested without one.
protocol AttachmentWork: Sendable {
  /// Finds the dispatch to hand out.
  func look(delivered: DeliveredDispatch?) async throws(SharedSessionError) -> DispatchStep.Next
  /// Renews the lease.
  ///
  /// - Returns: the number of times somebody told of work so far; nil when the lease is lost.
  func renew() async throws(SharedSessionError) -> String?
  /// What has become of a request of the agent, as the bridge is told; nil when there is nothing to tell.
  func request(
    _ reference: DispatchAttachment.RequestReference
  ) async throws(SharedSessionError) -> DispatchAttachment.RequestNews?
  /// Ends the turn that was found running, unless it has been claimed.
  func failIfUnclaimed() async throws(SharedSessionError)
}

/// One attachment's part of a host session in Redis. A value.
struct HostAttachmentWork: AttachmentWork {
  let hostSessionID: String
  let fence: Int
  /// A turn found running by a bridge that does not say which one it is, and when; it has a lease's time to claim it.
  let unclaimed: (running: RunningDispatch, since: Int)?
  let queue: DispatchQueue
  private var runner: ScriptRunner { queue.runner }

  func look(delivered: DeliveredDispatch?) async throws(SharedSessionError) -> DispatchStep.Next {
    try await queue.next(hostSessionID, fence: fence, delivered: delivered)
  }

  func renew() async throws(SharedSessionError) -> String? {
    let outcome = try await runner.host(
      ScriptLibrary.hostRenew, hostSessionID,
      ["lease": .milliseconds(runner.settings.dispatchLease), "fence": .integer(fence)])
    guard outcome.refusal == nil else { return nil }
    try await runner.noteLease(hostSessionID)
    return try outcome.parts(atLeast: 2).text(1)
  }

  func request(
    _ reference: DispatchAttachment.RequestReference
  ) async throws(SharedSessionError) -> DispatchAttachment.RequestNews? {
    let outcome = try await runner.request(reference.session, reference.approval)
    guard outcome.refusal == nil else { return nil }
    let parts = try outcome.parts(atLeast: 8)
    let some = { (part: ByteBuffer) in part.readableBytes > 0 ? part : nil }
    let turn = try parts.text(2)
    let payload = ReplyBody.object([
      ("approvalId", ReplyBody.quoted(reference.approval)), ("dispatchId", turn == "-" ? nil : ReplyBody.quoted(turn)),
      ("status", ReplyBody.quoted(try parts.text(1))), ("optionId", some(try parts.part(3))),
      ("answer", some(try parts.part(7))), ("reason", some(try parts.part(4))),
      ("resolvedByName", some(try parts.part(5))),
    ])
    return .init(kind: RequestKind(rawValue: try parts.text(6)) ?? .permission, payload: payload)
  }

  func failIfUnclaimed() async throws(SharedSessionError) {
    guard let unclaimed else { return }
    try await queue.failIfUnclaimed(hostSessionID, unclaimed.running, since: unclaimed.since)
  }
}
