internal import NIOCore
internal import RedisWire

/// Where the answer to one command goes. Sendable; must be completed exactly once.
struct CommandTicket: Sendable {
  typealias Answer = Result<RedisValue, RedisError>

  /// Who waits for the answer.
  enum Receiver: Sendable {
    /// A task. `Unsafe` saves a dictionary entry per command; the pipeline's tests check that every ticket is answered once.
    case task(UnsafeContinuation<Answer, Never>)
    /// Somebody who may have given up before: a promise takes the first completion and ignores the second.
    case promise(EventLoopPromise<Answer>)
    /// Nobody: a probe of the connection.
    case nobody
  }

  private let receiver: Receiver
  /// The call to repeat with its source when Redis does not know the script.
  let fallback: RedisRequest.ScriptCall?

  init(_ receiver: Receiver, fallback: RedisRequest.ScriptCall? = nil) {
    self.receiver = receiver
    self.fallback = fallback
  }

  /// The same caller, whose command is now sent in another form.
  func withoutFallback() -> CommandTicket { CommandTicket(receiver) }

  /// Gives the caller a reply; an error at its top and one that was too large are thrown there.
  func succeed(_ value: RedisValue) {
    switch value {
    case .error(let message): fail(.server(message))
    case .oversized(let limit):
      fail(
        RedisError(
          code: .replyTooLarge, message: "Redis answered with more than \(limit) bytes, which were dropped.",
          mayHaveRun: true))
    default: complete(.success(value))
    }
  }

  /// Gives the caller an error.
  func fail(_ error: RedisError) { complete(.failure(error)) }

  private func complete(_ answer: Answer) {
    switch receiver {
    case .task(let continuation): continuation.resume(returning: answer)
    case .promise(let promise): promise.succeed(answer)
    case .nobody: break
    }
  }
}
