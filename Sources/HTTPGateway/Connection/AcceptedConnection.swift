import HummingbirdCore
import NIOCore
import Synchronization

/// A connection from its acceptance until it is handled. Sendable: its parts do not change but for an atomic flag.
///
/// `NIOAsyncChannel` traps when it is dropped without having been served, and a server that is cancelled drops the
/// connections it has accepted but not looked at yet; so does a set-up that fails after the channel was wrapped. A node
/// must not crash because somebody connects at the moment it ends: whoever drops this value unserved closes the
/// connection in an orderly way.
final class AcceptedConnection: ServerChildChannelValue {
  private let http: HTTP1Channel.Value
  private let isServed = Atomic(false)

  init(_ http: HTTP1Channel.Value) {
    self.http = http
  }

  var channel: any Channel { http.channel }

  /// What the handler serves; whoever takes it calls `executeThenClose` on it.
  func take() -> HTTP1Channel.Value {
    isServed.store(true, ordering: .relaxed)
    return http
  }

  deinit {
    guard !isServed.load(ordering: .relaxed) else { return }
    Task { [http] in try? await http.executeThenClose { _, _ in } }
  }
}
