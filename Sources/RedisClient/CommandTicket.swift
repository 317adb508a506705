internal import RedisWire

/// Where the answer to one command goes. Sendable; must be completed exactly once.
struct CommandTicket: Sendable {
  typealias Answer = Result<RedisValue, RedisError>

  /// Nil for a probe, whose answer nobody waits for.
  private let continuation: UnsafeContinuation<Answer, Never>?
  /// The call to repeat with its source when Redis does not know the script.
  let fallback: RedisRequest.ScriptCall?

  /// `Unsafe` saves a dictionary entry per command; the pipeline's tests check that every ticket is answered once.
  init(_ continuation: UnsafeContinuation<Answer, Never>?, fallback: RedisRequest.ScriptCall? = nil) {
    self.continuation = continuation
    self.fallback = fallback
  }

  /// The same caller, whose command is now sent in another form.
  func withoutFallback() -> CommandTicket { CommandTicket(continuation) }

  /// Gives the caller a reply; an error at its top is thrown there.
  func succeed(_ value: RedisValue) {
    if case .error(let message) = value {
      fail(.server(message))
    } else {
      continuation?.resume(returning: .success(value))
    }
  }

  /// Gives the caller an error.
  func fail(_ error: RedisError) { continuation?.resume(returning: .failure(error)) }
}
