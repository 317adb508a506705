import NIOCore

/// A value: how many events to read from a session's stream at a time.
///
/// Most events are small, some hold a whole file. A page is one reply of Redis and one write to a client, so reading
/// begins with few and takes more as long as the pages are small.
struct PageSize: Equatable {
  /// So few that even the largest notifications fit into one reply of Redis.
  static let smallest = 16
  static let largest = 256
  /// A page beyond this many bytes is followed by the smallest.
  static let manyBytes = 1 << 20

  private(set) var limit = smallest

  /// A page was read.
  mutating func read(_ page: StreamPage) {
    let bytes = page.events.reduce(0) { $0 + $1.json.readableBytes }
    limit = bytes > Self.manyBytes ? Self.smallest : min(limit * 2, Self.largest)
  }

  /// A page could not be read, perhaps because it was too large.
  mutating func failed() {
    limit = Self.smallest
  }
}
