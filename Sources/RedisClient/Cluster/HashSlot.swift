/// Which of a cluster's slots a key or a shard channel belongs to. A namespace of pure functions.
enum HashSlot {
  /// How many slots every cluster has.
  static let count = 16_384

  /// The slot of a name: of its hash tag, the text in its first braces, when that is not empty; of all of it otherwise.
  static func of(_ name: String) -> Int {
    var name = name
    return name.withUTF8 { bytes in
      guard let open = bytes.firstIndex(of: UInt8(ascii: "{")),
        let close = bytes[(open + 1)...].firstIndex(of: UInt8(ascii: "}")), close > open + 1
      else { return Int(checksum(bytes[...])) % count }
      return Int(checksum(bytes[(open + 1)..<close])) % count
    }
  }

  /// CRC-16 with the polynomial 0x1021 and nothing reflected (XMODEM).
  private static func checksum(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> UInt16 {
    bytes.reduce(0) { sum, byte in (sum << 8) ^ table[Int(UInt8(sum >> 8) ^ byte)] }
  }

  private static let table: [UInt16] = (0..<256).map { index in
    (0..<8).reduce(UInt16(index) << 8) { sum, _ in sum & 0x8000 == 0 ? sum << 1 : (sum << 1) ^ 0x1021 }
  }
}
