import SystemPackage

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The places in a data directory, made with permissions that keep others out.
///
///     DIR/lock            who supervises the server (flock)
///     DIR/redis/          the server's files: appendonlydir, redis.log, redis.pid
///     DIR/run/redis.sock  the server's socket
///
/// A socket's path has room for about a hundred bytes. When DIR is longer, the socket is in
/// `/tmp/tandem-UID/HASH/`, HASH being a digest of DIR's path, so that everybody who knows DIR finds it.
///
/// Isolation: an immutable value.
struct DataDirectory: Sendable, Hashable {
  /// The directory itself, absolute and without symbolic links.
  let path: String
  /// Where the socket is.
  let socketPath: String

  var lockPath: String { path + "/lock" }
  var serverDirectory: String { path + "/redis" }
  var processFilePath: String { serverDirectory + "/redis.pid" }
  var logPath: String { serverDirectory + "/redis.log" }
  var manifestPath: String { serverDirectory + "/appendonlydir/appendonly.aof.manifest" }

  /// Bytes of the longest path a Unix socket can have, less its terminating zero. 108 on Linux, 104 on Darwin.
  static let longestSocketPath = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

  /// Makes what is missing.
  ///
  /// - Throws: `unusableDirectory`, naming the directory and the reason.
  init(preparing path: String) throws(EmbeddedRedisError) {
    let wanted = path.hasPrefix("/") ? path : Self.workingDirectory() + "/" + path
    try Self.makeDirectories(wanted)
    guard let real = Self.realPath(wanted) else {
      throw EmbeddedRedisError(.unusableDirectory, "The data directory \(wanted) cannot be resolved.")
    }
    self.path = real
    try Self.makePrivateDirectory(real + "/redis")
    let near = real + "/run"
    if near.utf8.count + "/redis.sock".utf8.count <= Self.longestSocketPath {
      try Self.makePrivateDirectory(near)
      socketPath = near + "/redis.sock"
    } else {
      // The sticky bit of /tmp keeps others from replacing what is ours; that it is ours is checked.
      let ours = "/tmp/tandem-\(getuid())"
      try Self.makePrivateDirectory(ours)
      let directory = ours + "/" + Self.digest(real)
      try Self.makePrivateDirectory(directory)
      socketPath = directory + "/redis.sock"
    }
  }

  /// FNV-1a, 64 bits, in hex: names a directory, keeps no secret.
  private static func digest(_ text: String) -> String {
    let hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    return String(hash, radix: 16)
  }

  /// Like `mkdir -p` with mode 0700 for what is new.
  private static func makeDirectories(_ path: String) throws(EmbeddedRedisError) {
    var partial = FilePath(path).lexicallyNormalized()
    var missing: [FilePath.Component] = []
    while access(partial.string, F_OK) != 0, let last = partial.lastComponent {
      missing.append(last)
      partial.removeLastComponent()
    }
    for component in missing.reversed() {
      partial.append(component)
      // Another node may be making it at this moment.
      guard mkdir(partial.string, 0o700) == 0 || errno == EEXIST else { throw unusable(partial.string, errno) }
    }
    guard access(path, W_OK | X_OK) == 0 else { throw unusable(path, errno) }
  }

  /// A directory only this user may enter.
  private static func makePrivateDirectory(_ path: String) throws(EmbeddedRedisError) {
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw unusable(path, errno) }
    var status = stat()
    guard lstat(path, &status) == 0 else { throw unusable(path, errno) }
    guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else {
      throw EmbeddedRedisError(
        .unusableDirectory, "\(path) must be a directory that belongs to this user, and it is not; remove it.")
    }
    guard status.st_mode & 0o077 == 0 || chmod(path, 0o700) == 0 else { throw unusable(path, errno) }
  }

  private static func unusable(_ path: String, _ code: CInt) -> EmbeddedRedisError {
    EmbeddedRedisError(
      .unusableDirectory,
      "The directory \(path) cannot be used: \(Errno(rawValue: code).description). Set dataDirectory to one that can.")
  }

  private static func workingDirectory() -> String { realPath(".") ?? "/" }

  private static func realPath(_ path: String) -> String? {
    guard let pointer = realpath(path, nil) else { return nil }
    defer { free(pointer) }
    return String(cString: pointer)
  }
}
