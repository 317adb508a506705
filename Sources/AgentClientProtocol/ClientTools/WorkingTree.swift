import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The files below one directory, for somebody who must not get at any others; immutable, each call opens what it needs.
///
/// A path is walked from the directory's descriptor, one part after another, and no part may be a symbolic link: whatever
/// is exchanged between two steps, each step stays below the directory.
public final class WorkingTree: Sendable {
  /// Why a file isn't read or written.
  public enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The path isn't absolute, or leads out of the directory.
    case outside
    /// A part of the path is a symbolic link.
    case link
    /// There is no such file.
    case notFound
    /// It is a directory, a pipe or a device.
    case notAFile
    /// It has more bytes than this.
    case tooLarge(Int)
    /// The system refuses, for this reason.
    case refused(Int32)

    /// One sentence for a person.
    public var description: String {
      switch self {
      case .outside: "The path is not below the working directory."
      case .link: "The path leads through a symbolic link."
      case .notFound: "There is no such file."
      case .notAFile: "It is no regular file."
      case .tooLarge(let bytes): "The file has more than \(bytes) bytes."
      case .refused(let code): "The system refuses: \(String(cString: strerror(code)))."
      }
    }

    fileprivate init(_ code: Int32) {
      switch code {
      case ENOENT: self = .notFound
      // What the system says when a link stands where none is followed.
      case ELOOP, EMLINK: self = .link
      default: self = .refused(code)
      }
    }
  }

  /// The directory's path.
  public let path: String
  private let root: Int32
  private let maximumBytes: Int
  private static let counter = Atomic<Int>(0)

  /// Opens the directory.
  ///
  /// - Parameters:
  ///   - path: absolute.
  ///   - maximumBytes: of a file that is read or written.
  /// - Throws: `Failure.refused` when it can't be opened.
  public init(_ path: String, maximumBytes: Int) throws(Failure) {
    self.path = path
    self.maximumBytes = maximumBytes
    root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard root >= 0 else { throw .refused(errno) }
  }

  deinit { close(root) }

  /// The bytes of a file.
  public func read(_ file: String) throws(Failure) -> [UInt8] {
    let (directory, name) = try openParent(of: file, creates: false)
    defer { close(directory) }
    // A pipe without a writer must not hold us.
    let descriptor = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure(errno) }
    defer { close(descriptor) }
    guard try size(of: descriptor) <= maximumBytes else { throw .tooLarge(maximumBytes) }
    var bytes: [UInt8] = []
    while bytes.count <= maximumBytes {
      var chunk = [UInt8](repeating: 0, count: min(256 * 1024, maximumBytes + 1 - bytes.count))
      let count = chunk.withUnsafeMutableBytes { systemRead(descriptor, $0) }
      guard count >= 0 else { throw .refused(errno) }
      if count == 0 { return bytes }
      bytes += chunk.prefix(count)
    }
    throw .tooLarge(maximumBytes)
  }

  /// Replaces a file, or makes it and the directories it is in. Whoever reads it meanwhile sees the old or the new one whole.
  public func write(_ bytes: [UInt8], to file: String) throws(Failure) {
    guard bytes.count <= maximumBytes else { throw .tooLarge(maximumBytes) }
    let (directory, name) = try openParent(of: file, creates: true)
    defer { close(directory) }
    var mode: mode_t = 0o644
    var status = stat()
    if fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 {
      guard status.st_mode & S_IFMT != S_IFLNK else { throw .link }
      guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
      mode = status.st_mode & 0o777
    } else if errno != ENOENT {
      throw Failure(errno)
    }
    let number = Self.counter.add(1, ordering: .relaxed).newValue
    let temporary = ".tandem-\(getpid())-\(number).tmp"
    let descriptor = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Failure(errno) }
    var isDone = false
    defer {
      close(descriptor)
      if !isDone { unlinkat(directory, temporary, 0) }
    }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { systemWrite(descriptor, $0) }
      guard count > 0 else { throw .refused(errno) }
      rest = rest.dropFirst(count)
    }
    guard fchmod(descriptor, mode) == 0, renameat(directory, temporary, directory, name) == 0 else {
      throw .refused(errno)
    }
    isDone = true
  }

  /// The parts of a path below the directory, its `.` and `..` resolved; as no link is followed, that is what they mean.
  private func parts(of file: String) throws(Failure) -> [String] {
    guard file.hasPrefix("/"), !file.utf8.contains(0) else { throw .outside }
    func resolve(_ path: String) -> [String] {
      var parts: [String] = []
      for part in path.split(separator: "/") where part != "." {
        if part == ".." { _ = parts.popLast() } else { parts.append(String(part)) }
      }
      return parts
    }
    let (base, whole) = (resolve(path), resolve(file))
    guard whole.count > base.count, whole.starts(with: base) else { throw .outside }
    return Array(whole.dropFirst(base.count))
  }

  /// The directory a file is in, open, and the file's name.
  private func openParent(of file: String, creates: Bool) throws(Failure) -> (directory: Int32, name: String) {
    var parts = try parts(of: file)
    let name = parts.removeLast()
    var directory = dup(root)
    guard directory >= 0 else { throw .refused(errno) }
    for part in parts {
      if creates, mkdirat(directory, part, 0o755) != 0, errno != EEXIST {
        let failure = Failure(errno)
        close(directory)
        throw failure
      }
      let next = openat(directory, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      let code = errno
      var status = stat()
      let isLink =
        next < 0 && fstatat(directory, part, &status, AT_SYMLINK_NOFOLLOW) == 0
        && status.st_mode & S_IFMT == S_IFLNK
      close(directory)
      guard next >= 0 else { throw isLink ? .link : Failure(code) }
      directory = next
    }
    return (directory, name)
  }

  private func size(of descriptor: Int32) throws(Failure) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .refused(errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
    return Int(status.st_size)
  }
}

private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
  read(descriptor, buffer.baseAddress, buffer.count)
}

private func systemWrite(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer) -> Int {
  write(descriptor, buffer.baseAddress, buffer.count)
}
