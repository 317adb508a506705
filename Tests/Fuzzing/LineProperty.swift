public import NIOCore

/// What cutting bytes into lines gave: the lines, and where one was too long.
public enum FramedLine: Sendable, Hashable {
  case complete([UInt8])
  case tooLong
}

extension FuzzProperty {
  /// Cutting into lines gives what a simple reading of the whole gives, however the bytes arrive.
  ///
  /// - Parameters:
  ///   - stopsAtTooLong: a line over the limit ends it all, and lines of the same piece may be gone with it; else that
  ///     line alone is skipped and reported.
  ///   - dropsBlank: lines of spaces and tabs count as empty. Empty lines are always dropped.
  ///   - lines: reads the pieces to their end, with the limit given.
  public static func lines(
    name: String, stopsAtTooLong: Bool, dropsBlank: Bool,
    _ lines: @escaping @Sendable (_ pieces: [ByteBuffer], _ maximumBytes: Int) -> [FramedLine]
  ) -> FuzzProperty {
    FuzzProperty(
      name: name,
      seeds: [
        "{\"jsonrpc\":\"2.0\"}\n{\"a\":\"b\"}\r\n\n\r\n{}\n", "one\ntwo", "\r\r\n\n\r", "1234567890123456\n1\n",
        " \t \n\t\r\n x \n", "ä€😀\r\n", String(repeating: "x", count: 70) + "\r\nafter\n",
      ],
      dictionary: ["\n", "\r\n", "\r", "\n\n", " ", "\t", "\0", "0123456789abcdef", "\u{FEFF}", "{}"]
    ) { input in
      for maximumBytes in [0, 1, 16, 64, 4_096] {
        let expected = model(input, maximumBytes: maximumBytes, stopsAtTooLong, dropsBlank)
        for pieces in [[ByteBuffer(bytes: input)]] + Pieces.cuts(of: input) {
          let actual = lines(pieces, maximumBytes)
          let about = "limit \(maximumBytes), pieces of \(pieces.map(\.readableBytes))"
          if stopsAtTooLong, expected.last == .tooLong {
            try expect(actual.last == .tooLong, "\(about): the line that is too long was taken: \(actual)")
            try expect(expected.starts(with: actual.dropLast()), "\(about): \(actual) is no start of \(expected)")
          } else {
            try expectSame(actual, expected, about)
          }
        }
      }
    }
  }

  /// The same, read from the whole at once.
  private static func model(
    _ input: [UInt8], maximumBytes: Int, _ stopsAtTooLong: Bool, _ dropsBlank: Bool
  ) -> [FramedLine] {
    var result: [FramedLine] = []
    for line in input.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      guard line.count <= maximumBytes else {
        result.append(.tooLong)
        if stopsAtTooLong { break }
        continue
      }
      let content = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      let isBlank = content.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
      if content.isEmpty || dropsBlank && isBlank { continue }
      result.append(.complete(Array(content)))
    }
    return result
  }
}
