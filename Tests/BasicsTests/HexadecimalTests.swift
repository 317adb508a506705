import Testing

@testable import Basics

struct HexadecimalTests {
  @Test func bytesBecomeDigitsAndDigitsBytes() {
    let bytes = (0...255).map { UInt8($0) }
    let text = Hexadecimal.encode(bytes)
    #expect(text.hasPrefix("000102") && text.hasSuffix("fdfeff") && text.count == 512)
    #expect(Hexadecimal.decode(text) == bytes)
    #expect(Hexadecimal.decode(text.uppercased()) == bytes)
    #expect(Hexadecimal.encode([]).isEmpty && Hexadecimal.decode("") == [])
  }

  @Test(arguments: ["0", "abc", "0g", "g0", "+1", " 1", "é", "１１"])
  func anythingElseIsNoBytes(_ text: String) {
    #expect(Hexadecimal.decode(text) == nil)
  }

  @Test func numbersAreFilledUpWithZeros() {
    #expect(Hexadecimal.digits(of: 0x1B, atLeast: 4) == "001b")
    #expect(Hexadecimal.digits(of: 0x1F600, atLeast: 4, uppercase: true) == "1F600")
    #expect(Hexadecimal.digits(of: 0, atLeast: 1) == "0")
  }
}

struct DurationTests {
  @Test func millisecondsAreWholeOnes() {
    #expect(Duration.seconds(2).wholeMilliseconds == 2_000)
    #expect(Duration.microseconds(1_999).wholeMilliseconds == 1)
    #expect(Duration.microseconds(-1_999).wholeMilliseconds == -1)
    #expect(Duration.zero.wholeMilliseconds == 0)
  }
}
