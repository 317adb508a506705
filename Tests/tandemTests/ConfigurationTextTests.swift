import Testing

@testable import tandem

@Suite struct ConfigurationTextTests {
  @Test(arguments: [
    ("500ms", Duration.milliseconds(500)), ("30", .seconds(30)), ("30s", .seconds(30)), ("0", .zero),
    ("1.5", .milliseconds(1_500)), ("10m", .seconds(600)), ("24h", .seconds(86_400)), ("30d", .seconds(2_592_000)),
  ])
  func durationsAreRead(text: String, expected: Duration) {
    #expect(DurationText.parse(text) == expected)
    #expect(DurationText.parse(DurationText.format(expected)) == expected)
  }

  @Test(arguments: ["", "s", ".5", "5.", "1.0001", "1,5", "-1", "+1", "1S", "1 s", "1ss", "nan", "1e9", "٣", "9e999d"])
  func otherTextsAreNoDuration(text: String) {
    #expect(DurationText.parse(text) == nil)
  }

  @Test(arguments: [("0", 0), ("4096", 4_096), ("256KiB", 262_144), ("1MiB", 1_048_576), ("2GiB", 2_147_483_648)])
  func byteCountsAreRead(text: String, expected: Int) {
    #expect(ByteCountText.parse(text) == expected)
    #expect(ByteCountText.parse(ByteCountText.format(expected)) == expected)
  }

  @Test(arguments: ["", "KiB", "1K", "1kib", "1 KiB", "-1", "1.5KiB", "9223372036854775807KiB", "9223372036854775808"])
  func otherTextsAreNoByteCount(text: String) {
    #expect(ByteCountText.parse(text) == nil)
  }
}
