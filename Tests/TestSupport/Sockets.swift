import Foundation
import NIOCore
import NIOPosix

/// Finds TCP ports that nothing listens on. A namespace.
public enum FreePort {
  /// A port of 127.0.0.1 that was free a moment ago.
  public static func find() throws -> Int {
    let channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0).wait()
    defer { try? channel.close().wait() }
    guard let port = channel.localAddress?.port else { throw RedisServerError("The system gave no port.") }
    return port
  }
}

/// Tells whether a Unix socket takes connections. A namespace.
enum UnixSocketCheck {
  static func accepts(path: String) -> Bool {
    let channel = try? ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(unixDomainSocketPath: path).wait()
    try? channel?.close().wait()
    return channel != nil
  }
}
