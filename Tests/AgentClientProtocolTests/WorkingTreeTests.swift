import Foundation
import Synchronization
import Testing

@testable import AgentClientProtocol

/// Files below one directory, and nothing else.
struct WorkingTreeTests {
  /// A directory with `in/` for the agent and `out/` beside it.
  private final class Place {
    let base: String
    var inside: String { base + "/in" }
    var outside: String { base + "/out" }

    init() throws {
      base = NSTemporaryDirectory() + "tandem-tree-" + UUID().uuidString
      try FileManager.default.createDirectory(atPath: base + "/in/sub", withIntermediateDirectories: true)
      try FileManager.default.createDirectory(atPath: base + "/out", withIntermediateDirectories: true)
      try put("secret", at: outside + "/secret")
    }

    deinit { try? FileManager.default.removeItem(atPath: base) }

    func put(_ text: String, at path: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) }
    func text(at path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
    func tree(_ bytes: Int = 1_000) throws -> WorkingTree { try WorkingTree(inside, maximumBytes: bytes) }
  }

  @Test func readingAndWriting() throws {
    let place = try Place()
    let tree = try place.tree()
    try tree.write(Array("one".utf8), to: place.inside + "/a.txt")
    #expect(try tree.read(place.inside + "/a.txt") == Array("one".utf8))
    chmod(place.inside + "/a.txt", 0o750)
    try tree.write(Array("two".utf8), to: place.inside + "/sub/../a.txt")
    #expect(place.text(at: place.inside + "/a.txt") == "two")
    let mode = try FileManager.default.attributesOfItem(atPath: place.inside + "/a.txt")[.posixPermissions] as? Int
    #expect(mode == 0o750)
    try tree.write([], to: place.inside + "/new/deep/b.txt")
    #expect(try tree.read(place.inside + "/./new//deep/b.txt") == [])
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.inside).sorted() == ["a.txt", "new", "sub"])
  }

  @Test func nothingOutsideIsReached() throws {
    let place = try Place()
    let tree = try place.tree()
    symlink(place.outside, place.inside + "/link")
    symlink(place.outside + "/secret", place.inside + "/file")
    symlink("nowhere", place.inside + "/dangling")
    let outside = [
      place.outside + "/secret", place.inside + "/../out/secret", place.inside + "/sub/../../out/secret", "in/a",
      place.inside, place.inside + "/", "/", "", place.base + "/inside", place.inside + "/sub/..",
      place.inside + "/a\0b",
    ]
    for path in outside {
      #expect(throws: WorkingTree.Failure.outside) { try tree.read(path) }
      #expect(throws: WorkingTree.Failure.outside) { try tree.write([1], to: path) }
    }
    for path in ["/link/secret", "/file", "/dangling", "/link/new"].map({ place.inside + $0 }) {
      #expect(throws: WorkingTree.Failure.link) { try tree.read(path) }
      #expect(throws: WorkingTree.Failure.link) { try tree.write([1], to: path) }
    }
    #expect(place.text(at: place.outside + "/secret") == "secret")
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.outside) == ["secret"])
  }

  @Test func onlyRegularFilesWithinTheBound() throws {
    let place = try Place()
    let tree = try place.tree(10)
    mkfifo(place.inside + "/pipe", 0o600)
    #expect(throws: WorkingTree.Failure.notAFile) { try tree.read(place.inside + "/pipe") }
    #expect(throws: WorkingTree.Failure.notAFile) { try tree.write([1], to: place.inside + "/pipe") }
    #expect(throws: WorkingTree.Failure.notAFile) { try tree.read(place.inside + "/sub") }
    #expect(throws: WorkingTree.Failure.notAFile) { try tree.write([1], to: place.inside + "/sub") }
    #expect(throws: WorkingTree.Failure.notFound) { try tree.read(place.inside + "/none/x") }
    try place.put("12345678901", at: place.inside + "/large")
    #expect(throws: WorkingTree.Failure.tooLarge(10)) { try tree.read(place.inside + "/large") }
    #expect(throws: WorkingTree.Failure.tooLarge(10)) {
      try tree.write(Array(repeating: 1, count: 11), to: place.inside + "/l")
    }
    try tree.write(Array(repeating: 1, count: 10), to: place.inside + "/l")
    #expect(throws: WorkingTree.Failure.self) { try WorkingTree(place.inside + "/l", maximumBytes: 1) }
  }

  /// The directory is exchanged for another one: it stays the one that was opened.
  @Test func theDirectoryItselfMayBeExchanged() throws {
    let place = try Place()
    let tree = try place.tree()
    try place.put("mine", at: place.inside + "/secret")
    rename(place.inside, place.base + "/moved")
    symlink(place.outside, place.inside)
    #expect(try tree.read(place.inside + "/secret") == Array("mine".utf8))
  }

  /// Somebody exchanges a part of the path for a link and back, all the time.
  @Test(.timeLimit(.minutes(1))) func aLinkThatComesAndGoesLeadsNowhere() async throws {
    let place = try Place()
    let tree = try place.tree()
    try place.put("mine", at: place.inside + "/sub/secret")
    symlink(place.outside, place.inside + "/link")
    let isOver = Atomic<Bool>(false)
    let (inside, outside) = (place.inside, place.outside)
    let swapping = Thread {
      while !isOver.load(ordering: .relaxed) {
        rename(inside + "/sub", inside + "/away")
        rename(inside + "/link", inside + "/sub")
        rename(inside + "/sub", inside + "/link")
        rename(inside + "/away", inside + "/sub")
      }
    }
    swapping.start()
    defer { isOver.store(true, ordering: .relaxed) }
    for number in 0..<2_000 {
      if let bytes = try? tree.read(inside + "/sub/secret") { #expect(bytes == Array("mine".utf8)) }
      // It makes directories that are missing at the moment, which stop the exchange, so only now and then.
      if number % 50 == 49 { try? tree.write(Array("written".utf8), to: inside + "/sub/written") }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: outside) == ["secret"])
    #expect(place.text(at: outside + "/secret") == "secret")
  }
}
