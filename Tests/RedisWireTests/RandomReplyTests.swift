import NIOCore
import RedisWire
import TestSupport
import Testing

@Suite("Random replies")
struct RandomReplyTests {
  @Test("random values come back from random pieces", arguments: 1...20)
  func roundTrip(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let values = (0..<200).map { _ in Self.value(depth: 0, using: &random) }
    var wire = ByteBuffer()
    for value in values { value.write(to: &wire) }
    var pieces: [ByteBuffer] = []
    while wire.readableBytes > 0 {
      let size = min(Int.random(in: 1...300, using: &random), wire.readableBytes)
      wire.readSlice(length: size).map { pieces.append($0) }
    }
    let (replies, error) = readAll(pieces)
    #expect(error == nil)
    #expect(replies == values)
  }

  @Test("of random values in random pieces exactly those beyond the limit are missing", arguments: 1...20)
  func limited(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let limit = Int.random(in: 4...60, using: &random)
    var wire = ByteBuffer()
    var expected: [RedisValue] = []
    for _ in 0..<300 {
      let (value, start) = (Self.value(depth: 0, using: &random), wire.writerIndex)
      value.write(to: &wire)
      expected.append(wire.writerIndex - start > limit ? .oversized(limit: limit) : value)
    }
    var pieces: [ByteBuffer] = []
    while wire.readableBytes > 0 {
      let size = min(Int.random(in: 1...80, using: &random), wire.readableBytes)
      wire.readSlice(length: size).map { pieces.append($0) }
    }
    let (replies, error) = readAll(pieces, limits: RedisReplyLimits(maximumBytes: limit))
    #expect(error == nil)
    #expect(replies == expected)
    #expect(expected.contains(.oversized(limit: limit)))
  }

  @Test("random damage never does more than an error", arguments: 1...20)
  func damage(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<300 {
      var wire = ByteBuffer()
      Self.value(depth: 0, using: &random).write(to: &wire)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let index = Int.random(in: 0..<wire.readableBytes, using: &random)
        wire.setInteger(UInt8.random(in: 0...255, using: &random), at: index)
      }
      let whole = readAll([wire], limits: RedisReplyLimits(maximumBytes: 1 << 16))
      // How the bytes are cut must not change what they mean.
      let cut = Int.random(in: 0...wire.readableBytes, using: &random)
      var rest = wire
      let first = rest.readSlice(length: cut) ?? ByteBuffer()
      let split = readAll([first, rest], limits: RedisReplyLimits(maximumBytes: 1 << 16))
      #expect(whole.replies == split.replies)
      #expect((whole.error == nil) == (split.error == nil))
    }
  }

  private static func value(depth: Int, using random: inout SeededGenerator) -> RedisValue {
    switch Int.random(in: 0...(depth < 7 ? 6 : 5), using: &random) {
    case 0: return .status("S\(Int.random(in: 0...99, using: &random))")
    case 1: return .error("ERR \(Int.random(in: 0...99, using: &random))")
    case 2: return .integer(Int(truncatingIfNeeded: random.next()))
    case 3: return .null
    case 4, 5:
      let count = Int.random(in: 0...40, using: &random)
      return .bytes(ByteBuffer(bytes: (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }))
    default:
      let count = Int.random(in: 0...4, using: &random)
      return .array((0..<count).map { _ in value(depth: depth + 1, using: &random) })
    }
  }
}
