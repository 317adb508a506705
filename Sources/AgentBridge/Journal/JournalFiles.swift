import NIOCore
import SystemPackage

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Small files that only their owner may read, replaced as a whole. A namespace.
enum JournalFiles {
  typealias Failure = HostJournal.Failure

  static func lockPath(_ path: String) -> String { path + ".lock" }

  /// Makes a directory with those above it; nobody else may look into it.
  static func make(_ directory: String) throws(Failure) {
    var path = ""
    for part in directory.split(separator: "/") {
      path += "/\(part)"
      guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
        throw Failure(description: "The directory \(path) cannot be made: \(Errno(rawValue: errno)).")
      }
    }
  }

  /// Takes the lock of a file.
  ///
  /// - Returns: nil when another process has it.
  static func lock(_ path: String) throws(Failure) -> SystemPackage.FileDescriptor? {
    let descriptor = try openFile(lockPath(path), [.create, .closeOnExec, .noFollow], .readWrite)
    guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else {
      try? descriptor.close()
      return nil
    }
    return descriptor
  }

  /// Puts bytes in the place of a file: all of them, or none.
  static func replace(_ path: String, with bytes: ByteBuffer) throws(Failure) {
    let temporary = path + ".new"
    unlink(temporary)
    let file = try openFile(temporary, [.create, .exclusiveCreate, .closeOnExec, .noFollow], .writeOnly)
    do {
      try file.closeAfter {
        _ = try file.writeAll(bytes.readableBytesView)
        guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
      }
      guard rename(temporary, path) == 0 else { throw Errno(rawValue: errno) }
      let directory = try SystemPackage.FileDescriptor.open(
        FilePath(path).removingLastComponent(), .readOnly, options: [.directory, .closeOnExec])
      try directory.closeAfter {
        guard fsync(directory.rawValue) == 0 else { throw Errno(rawValue: errno) }
      }
    } catch {
      unlink(temporary)
      throw Failure(description: "The journal \(path) cannot be written: \(error).")
    }
  }

  /// Reads a file that nobody else could have written or read.
  static func read(_ path: String, mostBytes: Int) throws(Failure) -> ByteBuffer {
    let file = try openFile(path, [.closeOnExec, .noFollow], .readOnly)
    defer { try? file.close() }
    var status = stat()
    guard fstat(file.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
      status.st_mode & 0o077 == 0
    else { throw Failure(description: "The journal \(path) is no file that belongs to you alone.") }
    guard status.st_size <= mostBytes else {
      throw Failure(description: "The journal \(path) is larger than \(mostBytes) bytes.")
    }
    var bytes = ByteBuffer()
    do {
      try bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: mostBytes) { space in
        var count = 0
        while count < mostBytes {
          let read = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: space[count..<mostBytes]))
          guard read > 0 else { break }
          count += read
        }
        return count
      }
    } catch { throw Failure(description: "The journal \(path) cannot be read: \(error).") }
    return bytes
  }

  /// The journals of a directory, the one that was written last first.
  static func newest(in directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var found: [(path: String, time: Int, part: Int)] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      var status = stat()
      let path = "\(directory)/\(name)"
      guard name.hasSuffix(".json"), lstat(path, &status) == 0 else { continue }
      #if canImport(Darwin)
        found.append((path, status.st_mtimespec.tv_sec, status.st_mtimespec.tv_nsec))
      #else
        found.append((path, status.st_mtim.tv_sec, status.st_mtim.tv_nsec))
      #endif
    }
    return found.sorted { ($0.time, $0.part) > ($1.time, $1.part) }.map(\.path)
  }

  /// Removes the oldest journals that nobody uses.
  static func forget(in directory: String, keeping count: Int) {
    for path in newest(in: directory).dropFirst(count) {
      guard let lock = try? lock(path) else { continue }
      unlink(path)
      unlink(lockPath(path))
      try? lock.close()
    }
  }

  private static func openFile(
    _ path: String, _ options: SystemPackage.FileDescriptor.OpenOptions, _ mode: SystemPackage.FileDescriptor.AccessMode
  ) throws(Failure) -> SystemPackage.FileDescriptor {
    do {
      return try SystemPackage.FileDescriptor.open(
        FilePath(path), mode, options: options,
        permissions: options.contains(.create) ? [.ownerRead, .ownerWrite] : nil)
    } catch {
      throw Failure(description: "The journal \(path) cannot be opened: \(error).")
    }
  }
}
