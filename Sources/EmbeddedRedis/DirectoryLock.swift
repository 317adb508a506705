import SystemPackage

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The right to supervise the server of a data directory.
///
/// It is a lock of the kernel's, so it ends with the process that holds it, however that ends: a lock file left behind
/// means nothing. The file holds the holder's process id only for people.
///
/// Isolation: not copyable; the one owner gives it up by letting it go.
struct DirectoryLock: ~Copyable {
  private let descriptor: FileDescriptor

  /// Takes the lock, or returns nil when another process (or another part of this one) has it.
  ///
  /// - Throws: `unusableDirectory` when the lock file cannot be opened.
  static func acquire(_ path: String) throws(EmbeddedRedisError) -> DirectoryLock? {
    let descriptor: FileDescriptor
    do {
      descriptor = try FileDescriptor.open(
        FilePath(path), .readWrite, options: [.create, .closeOnExec, .noFollow], permissions: .ownerReadWrite)
    } catch {
      throw EmbeddedRedisError(.unusableDirectory, "The lock file \(path) cannot be opened: \(error).")
    }
    guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else {
      try? descriptor.close()
      return nil
    }
    _ = ftruncate(descriptor.rawValue, 0)
    _ = try? descriptor.writeAll("\(getpid())\n".utf8)
    return DirectoryLock(descriptor: descriptor)
  }

  private init(descriptor: FileDescriptor) { self.descriptor = descriptor }

  deinit { try? descriptor.close() }
}
