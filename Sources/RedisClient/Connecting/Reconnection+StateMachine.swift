internal import NIOCore

/// When to connect, when to pause and when to give up. A value; generic over the connection so that tests use a string.
struct ReconnectionStateMachine<Connection> {
  enum State {
    case idle
    case connecting(failures: Int)
    case connected(Connection, failures: Int)
    case pausing(failures: Int)
    case stopped
  }

  enum Action {
    case none
    case connect
    /// Try again after this pause.
    case pause(TimeAmount)
    case close(Connection)
    /// Stop the pause's timer.
    case cancelPause
  }

  private(set) var state = State.idle
  private let delay: ClosedRange<TimeAmount>

  init(delay: ClosedRange<TimeAmount>) { self.delay = delay }

  /// The connection in use, or nil while there is none.
  var connection: Connection? {
    if case .connected(let connection, _) = state { connection } else { nil }
  }

  mutating func start() -> Action {
    guard case .idle = state else { return .none }
    state = .connecting(failures: 0)
    return .connect
  }

  /// An attempt ended in a connection that Redis answers on.
  mutating func succeeded(_ connection: Connection) -> Action {
    guard case .connecting(let failures) = state else { return .close(connection) }
    state = .connected(connection, failures: failures)
    return .none
  }

  /// An attempt failed.
  ///
  /// - Parameter jitter: a number from 0 to 1 that chooses between the shortest and the longest pause.
  mutating func failed(jitter: Double) -> Action {
    guard case .connecting(let failures) = state else { return .none }
    return pause(failures: failures, jitter: jitter)
  }

  /// The connection in use ended.
  ///
  /// - Parameter countsAsFailure: whether it was of no use, so that the pause grows as after a failed attempt.
  mutating func lost(jitter: Double, countsAsFailure: Bool = false) -> Action {
    guard case .connected(_, let failures) = state else { return .none }
    return pause(failures: countsAsFailure ? failures : 0, jitter: jitter)
  }

  mutating func pauseEnded() -> Action {
    guard case .pausing(let failures) = state else { return .none }
    state = .connecting(failures: failures)
    return .connect
  }

  mutating func stop() -> Action {
    defer { state = .stopped }
    switch state {
    case .connected(let connection, _): return .close(connection)
    case .pausing: return .cancelPause
    case .idle, .connecting, .stopped: return .none
    }
  }

  private mutating func pause(failures: Int, jitter: Double) -> Action {
    state = .pausing(failures: failures + 1)
    let doubled = delay.lowerBound.nanoseconds << min(failures, 20)
    let longest = min(max(doubled, delay.lowerBound.nanoseconds), delay.upperBound.nanoseconds)
    let shortest = longest / 2
    return .pause(.nanoseconds(shortest + Int64(Double(longest - shortest) * jitter)))
  }
}
