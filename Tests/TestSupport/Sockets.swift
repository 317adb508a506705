import Foundation
import NIOCore
import NIOPosix

/// Finds TCP ports that nothing listens on. A namespace.
public enum FreePort {
  /// A port of 127.0.0.1 that was free a moment ago.
  public static func find() async throws -> Int {
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0).get()
    let port = channel.localAddress?.port
    try await channel.close()
    guard let port else { throw FixtureError("The system gave no port.") }
    return port
  }
}

/// Tells whether a Unix socket takes connections. A namespace.
enum UnixSocketCheck {
  static func accepts(path: String) async -> Bool {
    let channel = try? await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(unixDomainSocketPath: path).get()
    try? await channel?.close()
    return channel != nil
  }
}

/// Tells whether a TCP port of 127.0.0.1 takes connections. A namespace.
public enum PortCheck {
  /// Whether somebody listens there now.
  public static func accepts(port: Int) async -> Bool {
    let channel = try? await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "127.0.0.1", port: port).get()
    try? await channel?.close()
    return channel != nil
  }
}
