internal import Basics
internal import NIOCore

/// When to connect, when to pause and when to give up. A value; generic over the connection so that tests use a string.
struct ReconnectionStateMachine<Connection> {
  enum State {
    case idle
    case connecting(Backoff)
    case connected(Connection, Backoff)
    case pausing(Backoff)
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
  private let first: Backoff

  init(delay: ClosedRange<Duration>) { first = Backoff(first: delay.lowerBound, longest: delay.upperBound) }

  /// The connection in use, or nil while there is none.
  var connection: Connection? {
    if case .connected(let connection, _) = state { connection } else { nil }
  }

  mutating func start() -> Action {
    guard case .idle = state else { return .none }
    state = .connecting(first)
    return .connect
  }

  /// An attempt ended in a connection that Redis answers on.
  mutating func succeeded(_ connection: Connection) -> Action {
    guard case .connecting(let backoff) = state else { return .close(connection) }
    state = .connected(connection, backoff)
    return .none
  }

  /// An attempt failed.
  ///
  /// - Parameter jitter: a number from 0 to 1 that chooses between the shortest and the longest pause.
  mutating func failed(jitter: Double) -> Action {
    guard case .connecting(let backoff) = state else { return .none }
    return pause(backoff, jitter: jitter)
  }

  /// The connection in use ended.
  ///
  /// - Parameter countsAsFailure: whether it was of no use, so that the pause grows as after a failed attempt.
  mutating func lost(jitter: Double, countsAsFailure: Bool = false) -> Action {
    guard case .connected(_, let backoff) = state else { return .none }
    return pause(countsAsFailure ? backoff : first, jitter: jitter)
  }

  mutating func pauseEnded() -> Action {
    guard case .pausing(let backoff) = state else { return .none }
    state = .connecting(backoff)
    return .connect
  }

  /// The server is in another place: what is under way there is of no use, and there is no reason to wait.
  ///
  /// - Returns: the connection that was in use, and what to do.
  mutating func moved() -> (old: Connection?, action: Action) {
    switch state {
    case .idle, .stopped: return (nil, .none)
    case .connecting, .pausing:
      state = .connecting(first)
      return (nil, .connect)
    case .connected(let connection, _):
      state = .connecting(first)
      return (connection, .connect)
    }
  }

  mutating func stop() -> Action {
    defer { state = .stopped }
    switch state {
    case .connected(let connection, _): return .close(connection)
    case .pausing: return .cancelPause
    case .idle, .connecting, .stopped: return .none
    }
  }

  private mutating func pause(_ backoff: Backoff, jitter: Double) -> Action {
    var backoff = backoff
    let pause = backoff.next(jitter: jitter)
    state = .pausing(backoff)
    return .pause(TimeAmount(pause))
  }
}
