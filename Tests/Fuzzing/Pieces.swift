import NIOCore

/// Ways to cut an input into what might arrive at once. They follow from the input, so that a finding repeats itself.
enum Pieces {
  /// Byte by byte, three random ways, and every cut in two when there are few.
  static func cuts(of input: [UInt8]) -> [[ByteBuffer]] {
    var cuts = [input.map { ByteBuffer(bytes: [$0]) }]
    // FNV-1a: other bytes are cut in other places.
    var state: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in input { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    for longest in [3, 17, 300] {
      var pieces: [ByteBuffer] = []
      var start = 0
      while start < input.count {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let end = min(input.count, start + Int(state >> 33) % (longest + 1))
        // A piece may be empty. What was read already lies before it, as in a buffer of a connection.
        pieces.append(buffer(input[start..<end], behind: Int(state >> 60)))
        start = end
      }
      cuts.append(pieces)
    }
    if input.count <= 24 {
      cuts += (0...input.count).map { [ByteBuffer(bytes: input[..<$0]), ByteBuffer(bytes: input[$0...])] }
    }
    return cuts
  }

  /// A buffer with bytes before its reader index that must not matter.
  static func buffer(_ bytes: some Collection<UInt8>, behind skipped: Int) -> ByteBuffer {
    var buffer = ByteBuffer(repeating: UInt8(ascii: "\n"), count: skipped)
    buffer.moveReaderIndex(forwardBy: skipped)
    buffer.writeBytes(bytes)
    return buffer
  }
}
