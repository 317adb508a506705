import Foundation
import TestSupport
import Testing

@testable import EmbeddedRedis

/// Several supervisors and one data directory.
@Suite struct SharedDirectoryTests {
  @Test func theSecondAttachesAndTakesOverWhenTheFirstGoes() async throws {
    try await withTemporaryDirectory { directory in
      let second = EmbeddedRedis(configuration: quick(directory), logger: quietLogger())
      try await withThrowingTaskGroup(of: Void.self) { group in
        let first = try await withEmbeddedRedis(quick(directory)) { first in
          try await expectReply("+OK", to: "SET shared 1", at: first.socketPath)
          group.addTask { try await second.run() }
          let attached = try await withDeadline("the second") { try await second.waitUntilServing() }
          #expect(attached.origin == .attached)
          #expect(attached.processIdentifier == first.processIdentifier)
          #expect(attached.socketPath == first.socketPath)
          return first
        }
        let taken = try await eventually("the second supervises") {
          let now = try await second.waitUntilServing()
          return now.origin == .started ? now : nil
        }
        #expect(taken.processIdentifier != first.processIdentifier)
        try await expectReply(":1", to: "EXISTS shared", at: taken.socketPath)
        group.cancelAll()
        try await group.waitForAll()
        #expect(!isRunning(taken.processIdentifier))
      }
    }
  }

  @Test func whoOnlyAttachedLeavesTheServerAlone() async throws {
    try await withTemporaryDirectory { directory in
      try await withEmbeddedRedis(quick(directory)) { first in
        try await withEmbeddedRedis(quick(directory)) { second in
          #expect(second.origin == .attached)
        }
        #expect(isRunning(first.processIdentifier))
        try await expectReply("+PONG", to: "PING", at: first.socketPath)
      }
    }
  }

  @Test func aServerThatOutlivedItsSupervisorIsAdoptedSupervisedAndStopped() async throws {
    try await withTemporaryDirectory { directory in
      let paths = try DataDirectory(preparing: directory)
      let orphan = startOrphan(paths)
      let identifier = try await eventually("the orphan serves") {
        await RedisServerInfo.ask(socketPath: paths.socketPath, within: .seconds(1))?.processIdentifier
      }

      let last = try await withEmbeddedRedis(quick(directory)) { serving in
        #expect(serving.origin == .adopted)
        #expect(serving.processIdentifier == identifier)
        try await expectReply("+OK", to: "SET before 1", at: serving.socketPath)
        kill(identifier, SIGKILL)
        _ = try await orphan.value
        let next = try await eventually("a server of its own") {
          let info = await RedisServerInfo.ask(socketPath: paths.socketPath, within: .seconds(1))
          return info?.isLoading == false ? info : nil
        }
        try await expectReply(":1", to: "EXISTS before", at: serving.socketPath)
        return next.processIdentifier
      }
      #expect(!isRunning(last))
    }
  }

  @Test func anAdoptedServerIsStoppedWithTheService() async throws {
    try await withTemporaryDirectory { directory in
      let paths = try DataDirectory(preparing: directory)
      let orphan = startOrphan(paths)
      try await eventually("the orphan serves") {
        await RedisServerInfo.ask(socketPath: paths.socketPath, within: .seconds(1)) != nil
      }
      try await withEmbeddedRedis(quick(directory)) { #expect($0.origin == .adopted) }
      #expect(try await orphan.value.succeeded)
    }
  }

  @Test func aLockFileAndAProcessIdLeftBehindMeanNothing() async throws {
    try await withTemporaryDirectory { directory in
      let paths = try DataDirectory(preparing: directory)
      try Data("1\n".utf8).write(to: URL(fileURLWithPath: paths.lockPath))
      // This process lives, but it is no redis-server of that directory.
      try Data("\(getpid())\n".utf8).write(to: URL(fileURLWithPath: paths.processFilePath))
      try Data().write(to: URL(fileURLWithPath: paths.socketPath))
      try await withEmbeddedRedis(quick(directory)) { serving in
        #expect(serving.origin == .started)
        #expect(serving.processIdentifier != getpid())
      }
    }
  }

  @Test func aLongPathStillGetsASocketThatAllCanFind() async throws {
    try await withTemporaryDirectory { directory in
      let long = directory + "/" + String(repeating: "d", count: 120)
      try await withEmbeddedRedis(quick(long)) { first in
        #expect(first.socketPath.utf8.count <= DataDirectory.longestSocketPath)
        try await withEmbeddedRedis(quick(long + "/../" + String(repeating: "d", count: 120))) { second in
          #expect(second.origin == .attached)
          #expect(second.socketPath == first.socketPath)
        }
      }
    }
  }

  /// A server of the directory that nobody supervises; the task ends with it.
  private func startOrphan(_ paths: DataDirectory) -> Task<Program.Result, any Error> {
    let settings = ServerProcess(directory: paths, configuration: quick(paths.path)).settings
    return Task { try await Program(name: "redis-server", arguments: ["-"], input: settings).run() }
  }
}
