import TestSupport
import Testing

@testable import Basics

/// What of a text from others is seen.
struct VisibleTextTests {
  @Test(arguments: [
    ("plain text, ümläute 漢字 😀", "plain text, ümläute 漢字 😀"), ("a\nb\tc", "a\nb\tc"),
    ("a\u{202E}b\u{2066}c", "a<U+202E>b<U+2066>c"), ("a\u{200B}\u{FEFF}b", "a<U+200B><U+FEFF>b"),
    ("\u{1B}[2J\u{7}\r", "<U+001B>[2J<U+0007><U+000D>"), ("\u{0}\u{9F}", "<U+0000><U+009F>"),
    ("a\u{A0}b\u{2003}c\u{3000}", "a<U+00A0>b<U+2003>c<U+3000>"), ("\u{2028}\u{2029}", "<U+2028><U+2029>"),
    ("\u{E0041}", "<U+E0041>"), ("\u{3164}\u{2800}\u{AD}", "<U+3164><U+2800><U+00AD>"), ("\u{E000}", "<U+E000>"),
    ("e\u{301}", "e\u{301}"), ("👩\u{200D}💻 ❤\u{FE0F}", "👩\u{200D}💻 ❤\u{FE0F}"),
    ("a\u{200D}b\u{FE0F}", "a<U+200D>b<U+FE0F>"),
    // A selector behind a digit changes nothing that is seen, unless it makes a key of it.
    ("rm 1\u{FE0F}", "rm 1<U+FE0F>"), ("1\u{FE0F}\u{20E3}", "1\u{FE0F}\u{20E3}"), ("1\u{200D}2", "1<U+200D>2"),
    ("❤\u{FE0F}\u{FE0F}", "❤\u{FE0F}<U+FE0F>"), ("a\u{E0100}\u{FE00}", "a<U+E0100><U+FE00>"),
    ("\u{61C}\u{200E}\u{200F}\u{2069}\u{180E}", "<U+061C><U+200E><U+200F><U+2069><U+180E>"),
    ("\u{FFF9}\u{FFFF}\u{85}", "<U+FFF9><U+FFFF><U+0085>"),
    // Marks pile up on their neighbours, on lines above and on what is ours.
    ("e" + String(repeating: "\u{301}", count: 6), "e" + String(repeating: "\u{301}", count: 4) + "<U+0301><U+0301>"),
    ("\u{301}a", "<U+0301>a"), ("a \u{20E0}b\n\u{338}", "a <U+20E0>b\n<U+0338>"),
    ("\u{1B}\u{301}", "<U+001B><U+0301>"), ("नमस्ते שָׁ กี่", "नमस्ते שָׁ กี่"),
  ])
  func whatCannotBeSeenIsWrittenOut(_ text: String, _ shown: String) {
    #expect(Array(VisibleText.show(text).unicodeScalars) == Array(shown.unicodeScalars))
  }

  @Test func oneLineStaysOneLine() {
    #expect(VisibleText.show("a\nb\t", keepsLines: false) == "a<U+000A>b<U+0009>")
  }

  /// Nothing that a terminal obeys or doesn't show gets through, in any company.
  @Test(arguments: 1...20) func noCharacterHides(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let ranges: [ClosedRange<UInt32>] = [
      0x0...0x20, 0x30...0x39, 0x7F...0xA0, 0x300...0x310, 0x610...0x61C, 0x180B...0x180F, 0x2000...0x206F,
      0xFE00...0xFE0F, 0xFEFF...0xFEFF, 0xFFF9...0xFFFC, 0x1F600...0x1F604, 0x1F468...0x1F469, 0xE0000...0xE007F,
      0xE0100...0xE01EF,
    ]
    for _ in 0..<100 {
      var text = ""
      for _ in 0..<40 {
        let range = ranges.randomElement(using: &random) ?? 0...0
        if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) { text.unicodeScalars.append(scalar) }
      }
      let shown = Array(VisibleText.show(text).unicodeScalars)
      var marks = 0
      for (index, scalar) in shown.enumerated() {
        let properties = scalar.properties
        marks = properties.generalCategory == .nonspacingMark ? marks + 1 : 0
        #expect(marks <= VisibleText.maximumMarks + 1)  // The selector of an emoji is a mark as well.
        if ["\n", "\t", " "].contains(scalar) { continue }
        if scalar == "\u{FE0F}" || scalar == "\u{200D}" {
          let before = index > 0 ? shown[index - 1] : " "
          #expect(before.properties.isEmoji || before == "\u{FE0F}", "\(text.unicodeScalars.map(\.value))")
          continue
        }
        #expect(!properties.isDefaultIgnorableCodePoint && !properties.isBidiControl)
        #expect(
          ![.control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator].contains(
            properties.generalCategory))
      }
    }
  }
}
