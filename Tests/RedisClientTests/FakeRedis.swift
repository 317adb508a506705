import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import RedisClient
import TestSupport

/// Something that listens where Redis would and answers as a test wants, for what a real server cannot be made to do.
///
/// Sendable: what it has seen is behind a lock. Handshakes are answered by itself.
final class FakeRedis: Sendable {
  /// Answers one command with the bytes to send; nil sends nothing.
  typealias Answer = @Sendable (_ command: [String], _ channel: any Channel) -> String?

  let path: String
  private let listener: any Channel
  private let seen = NIOLockedValueBox<(commands: [[String]], reads: Int, channels: [any Channel])>(([], 0, []))

  /// Everything but the handshakes, in the order it arrived.
  var commands: [[String]] { seen.withLockedValue { $0.commands } }
  /// How often bytes with commands beyond the handshake arrived: at most the client's number of writes.
  var reads: Int { seen.withLockedValue { $0.reads } }
  /// The connections accepted so far, the latest last.
  var channels: [any Channel] { seen.withLockedValue { $0.channels } }

  init(_ answer: @escaping Answer) async throws {
    let path = "/tmp/tandem-fake-\(UInt32.random(in: 0...UInt32.max)).sock"
    let seen = seen
    self.path = path
    listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        seen.withLockedValue { $0.channels.append(channel) }
        return channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Handler(seen: seen, answer: answer))
        }
      }
      .bind(unixDomainSocketPath: path).get()
  }

  func stop() async throws {
    for channel in channels { try? await channel.close() }
    try await listener.close()
    try? FileManager.default.removeItem(atPath: path)
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let reader = RedisReplyReader()
    private let seen: NIOLockedValueBox<(commands: [[String]], reads: Int, channels: [any Channel])>
    private let answer: Answer

    init(seen: NIOLockedValueBox<(commands: [[String]], reads: Int, channels: [any Channel])>, answer: @escaping Answer)
    {
      self.seen = seen
      self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      var commands: [[String]] = []
      do {
        try reader.read(unwrapInboundIn(data)) { value in
          commands.append((value.array ?? []).map { $0.string ?? "?" })
        }
      } catch {
        context.close(promise: nil)
      }
      var replies = ""
      var counted = false
      for command in commands {
        if command.first == "CLIENT" {
          replies += "+OK\r\n"
          continue
        }
        if command == ["ROLE"] {
          replies += "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"
          continue
        }
        if command == ["PING"], seen.withLockedValue({ !$0.commands.contains { $0.first == "SSUBSCRIBE" } }) {
          replies += "+PONG\r\n"
          continue
        }
        seen.withLockedValue {
          $0.commands.append(command)
          if !counted { $0.reads += 1 }
        }
        counted = true
        replies += answer(command, context.channel) ?? ""
      }
      if !replies.isEmpty { context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: replies)), promise: nil) }
    }
  }
}

/// Starts a fake and a client of it.
func withFakeAndClient<Value: Sendable>(
  on eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next(),
  configure: (inout RedisClientConfiguration) -> Void = { _ in }, answer: @escaping FakeRedis.Answer,
  _ body: @Sendable (FakeRedis, RedisClient) async throws -> Value
) async throws -> Value {
  let fake = try await FakeRedis(answer)
  var configuration = RedisClientConfiguration(topology: .standalone(.unixSocket(path: fake.path)))
  configuration.reconnectDelay = .milliseconds(1)...Duration.milliseconds(5)
  configuration.commandTimeout = patience
  configuration.probeInterval = .seconds(5)
  configure(&configuration)
  do {
    let value = try await withClient(configuration, group: eventLoop) { client in
      try await body(fake, client)
    }
    try await fake.stop()
    return value
  } catch {
    try await fake.stop()
    throw error
  }
}

/// An SSUBSCRIBE-like push of RESP.
func push(_ parts: String...) -> String {
  "*\(parts.count)\r\n" + parts.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
}
