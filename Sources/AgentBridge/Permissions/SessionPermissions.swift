import AgentClientProtocol
import JSONText
import Synchronization

/// The agent's questions that are open in the shared session; safe to share, what changes sits in a `Mutex`.
///
/// Their answers come as messages of the dispatches, on whichever node the bridge is attached to. A message can be lost with
/// its connection, so every question is also looked after when the bridge attaches again, and slowly meanwhile.
final class SessionPermissions: Sendable {
  private struct Job: Sendable {
    let question: PermissionQuestion
    let work: PermissionQuestion.Work
  }

  private let api: HostAPI
  private let host: HostAPI.HostSession
  private let session: SharedSession
  private let interval: Duration
  private let maximumOpen: Int
  private let observer: any HostObserver
  private let open = Mutex<[ObjectIdentifier: PermissionQuestion]>([:])
  private let jobs: AsyncStream<Job>
  private let job: AsyncStream<Job>.Continuation

  /// - Parameters:
  ///   - interval: how long a question waits for word of its answer before it asks for it.
  ///   - maximumOpen: questions that are carried at once. The agent has fewer open, but those it took back stay until a
  ///     node has heard of it.
  init(
    api: HostAPI, host: HostAPI.HostSession, session: SharedSession, interval: Duration, maximumOpen: Int,
    observer: any HostObserver
  ) {
    self.api = api
    self.host = host
    self.session = session
    self.interval = interval
    self.maximumOpen = maximumOpen
    self.observer = observer
    (jobs, job) = AsyncStream.makeStream()
  }

  /// Asks in the session whose prompt runs. One question too many is refused at once.
  func ask(_ request: AgentPermissionRequest, in dispatch: Dispatch) -> PermissionQuestion {
    carry(PermissionQuestion(size: PermissionBody.firstSize(request)), work(request, dispatch))
  }

  /// Asks people for what the agent wants to know. One question too many is refused at once.
  ///
  /// - Parameter body: as the contract has it. A question is asked whole or not at all.
  func inquire(_ body: JSONText) -> PermissionQuestion {
    carry(PermissionQuestion(size: .least, hasOptions: false), work(body))
  }

  private func carry(_ question: PermissionQuestion, _ work: PermissionQuestion.Work) -> PermissionQuestion {
    let isTaken = open.withLock { open in
      guard open.count < maximumOpen else { return false }
      open[ObjectIdentifier(question)] = question
      return true
    }
    if isTaken {
      job.yield(Job(question: question, work: work))
    } else {
      question.refuse(.unreachable("too many questions of the agent wait for a server"))
    }
    return question
  }

  /// A node has said what it knows of a question.
  func noticed(_ notice: PermissionNotice) {
    for question in questions { question.change { $0.noticed(notice) } }
  }

  /// Answers may have been missed.
  func lookAgain() {
    for question in questions { question.change { $0.lookAgain() } }
  }

  private var questions: [PermissionQuestion] { open.withLock { Array($0.values) } }

  /// Carries the questions until the task is cancelled.
  func run() async {
    await withDiscardingTaskGroup { group in
      for await job in jobs {
        group.addTask {
          await job.question.carry(job.work, interval: self.interval)
          self.open.withLock { $0[ObjectIdentifier(job.question)] = nil }
        }
      }
      group.cancelAll()
    }
  }

  private func work(_ request: AgentPermissionRequest, _ dispatch: Dispatch) -> PermissionQuestion.Work {
    let (api, host, session, observer) = (api, host, session, observer)
    // One key for each form: another body under the same key would be refused. Each is made once, so a repeat is one.
    let keys = Dictionary(uniqueKeysWithValues: PermissionBody.Size.allCases.map { ($0, IdempotencyKey.make()) })
    let answerKey = IdempotencyKey.make()
    return PermissionQuestion.Work(
      ask: { size throws(NodeError) in
        let body = PermissionBody.body(request, dispatchID: dispatch.id, size)
        let reply = try await api.client.send(api.ask(.permissions, body, of: host, key: keys[size] ?? answerKey))
        return try Self.approvalID(in: reply)
      },
      look: { id throws(NodeError) in
        try Self.notice(in: try await api.client.send(api.look(.permissions, id, of: host)))
      },
      answer: { id, option throws(NodeError) in
        _ = try await api.client.send(api.answer(id, optionID: option, of: session, key: answerKey))
      },
      withdraw: { id throws(NodeError) in _ = try await api.client.send(api.withdraw(.permissions, id, of: host)) },
      answerRefused: { await observer.permissionSettled(request, .refused($0.description)) })
  }

  private func work(_ body: JSONText) -> PermissionQuestion.Work {
    let (api, host) = (api, host)
    let key = IdempotencyKey.make()
    return PermissionQuestion.Work(
      ask: { _ throws(NodeError) in
        try Self.approvalID(in: try await api.client.send(api.ask(.questions, body, of: host, key: key)))
      },
      look: { id throws(NodeError) in try Self.notice(in: try await api.client.send(api.look(.questions, id, of: host)))
      },
      answer: { _, _ in },
      withdraw: { id throws(NodeError) in _ = try await api.client.send(api.withdraw(.questions, id, of: host)) },
      answerRefused: { _ in })
  }

  private static func approvalID(in reply: JSONText) throws(NodeError) -> String {
    guard let id = reply["approval"]?["id"]?.string, DispatchMessage.isPlain(id) else {
      throw .refused(status: 201, code: "INVALID_REPLY", message: "The answer holds no approval.")
    }
    return id
  }

  private static func notice(in reply: JSONText) throws(NodeError) -> PermissionNotice {
    guard let notice = PermissionNotice(reply: reply) else {
      throw .refused(status: 200, code: "INVALID_REPLY", message: "The answer holds no approval.")
    }
    return notice
  }
}
