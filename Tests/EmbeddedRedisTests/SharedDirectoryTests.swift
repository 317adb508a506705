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
          #expect(try await ask(first.socketPath, "SET shared 1") == "+OK")
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
        #expect(try await ask(taken.socketPath, "EXISTS shared") == ":1")
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
        #expect(try await ask(first.socketPath, "PING") == "+PONG")
      }
    }
  }

  @Test func aServerThatOutlivedItsSupervisorIsAdoptedSupervisedAndStopped() async throws {
    try await withTemporaryDirectory { directory in
      let paths = try DataDirectory(preparing: directory)
      let orphan = Process()
      orphan.executableURL = URL(fileURLWithPath: "/bin/sh")
      orphan.arguments = ["-c", "exec redis-server -"]
      let input = Pipe()
      orphan.standardInput = input
      orphan.standardOutput = FileHandle.nullDevice
      try orphan.run()
      let settings = ServerProcess(directory: paths, configuration: quick(directory)).settings
      try input.fileHandleForWriting.write(contentsOf: Data(settings.utf8))
      try input.fileHandleForWriting.close()
      try await eventually("the orphan serves") {
        await RedisServerInfo.ask(socketPath: paths.socketPath, within: .seconds(1)) != nil
      }

      let last = try await withEmbeddedRedis(quick(directory)) { serving in
        #expect(serving.origin == .adopted)
        #expect(serving.processIdentifier == orphan.processIdentifier)
        #expect(try await ask(serving.socketPath, "SET before 1") == "+OK")
        kill(orphan.processIdentifier, SIGKILL)
        orphan.waitUntilExit()
        let next = try await eventually("a server of its own") {
          let info = await RedisServerInfo.ask(socketPath: paths.socketPath, within: .seconds(1))
          return info?.isLoading == false ? info : nil
        }
        #expect(try await ask(serving.socketPath, "EXISTS before") == ":1")
        return next.processIdentifier
      }
      #expect(!isRunning(last))
    }
  }

  @Test func anAdoptedServerIsStoppedWithTheService() async throws {
    try await withTemporaryDirectory { directory in
      let paths = try DataDirectory(preparing: directory)
      let orphan = Process()
      orphan.executableURL = URL(fileURLWithPath: "/bin/sh")
      orphan.arguments = ["-c", "exec redis-server -"]
      let input = Pipe()
      orphan.standardInput = input
      orphan.standardOutput = FileHandle.nullDevice
      try orphan.run()
      try input.fileHandleForWriting.write(
        contentsOf: Data(ServerProcess(directory: paths, configuration: quick(directory)).settings.utf8))
      try input.fileHandleForWriting.close()
      try await eventually("the orphan serves") {
        await RedisServerInfo.ask(socketPath: paths.socketPath, within: .seconds(1)) != nil
      }
      try await withEmbeddedRedis(quick(directory)) { #expect($0.origin == .adopted) }
      #expect(!isRunning(orphan.processIdentifier))
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
}
