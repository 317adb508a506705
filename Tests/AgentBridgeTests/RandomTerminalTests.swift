import AgentClientProtocol
import Crypto
import Foundation
import JSONText
import TestSupport
import Testing

@testable import AgentBridge

/// Whatever happens between reading and Enter, and whatever others write.
struct RandomTerminalTests {
  private func request(_ key: Int) throws -> AgentPermissionRequest {
    let options = (0..<3).map { #"{"optionId":"\#(key)-\#($0)","name":"n","kind":"allow_once"}"# }
    let params = try JSONText(
      validating: #"{"sessionId":"s","toolCall":{"title":"t"},"options":[\#(options.joined(separator: ","))]}"#)
    return try #require(AgentPermissionRequest(key: key, params: params))
  }

  /// The name between the brackets of what was shown.
  private func name(_ shown: String) -> String {
    String(shown.drop { $0 != "[" }.dropFirst().prefix { $0 != "]" })
  }

  /// People propose and take back, the agent asks and takes back, the host types anything: what is decided is always what
  /// was shown under the name that was typed, and still there.
  @Test(arguments: 1...40) func anAnswerTakesWhatItsNumberShowedOrNothing(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var questions = ConsoleQuestions()
    // What was shown under each name, and what is still open.
    var texts: [String: (approvalID: String, text: String)] = [:]
    var keys: [String: Int] = [:]
    var open: Set<String> = []
    for step in 0..<400 {
      switch Int.random(in: 0..<8, using: &random) {
      case 0, 1:
        let text = ["ls", "rm -rf /", "make"].randomElement(using: &random) ?? ""
        let shown = name(questions.proposed(text, approvalID: "id-\(step)", by: "Eve"))
        #expect(texts[shown] == nil && keys[shown] == nil)
        texts[shown] = ("id-\(step)", text)
        open.insert(shown)
      case 2:
        let shown = name(questions.asked(try request(step)))
        #expect(texts[shown] == nil && keys[shown] == nil)
        keys[shown] = step
        open.insert(shown)
      case 3:
        guard let gone = open.sorted().randomElement(using: &random) else { continue }
        if let key = keys[gone] { questions.ended(key: key, "is gone") }
        if let text = texts[gone] { questions.ended(approvalID: text.approvalID, "is gone") }
        open.remove(gone)
      default:
        let number = Int.random(in: 1...60, using: &random)
        let line =
          ["a p\(number)", "r \(number)", "q\(number) 2", "\(number)", "a", "q\(number) 9", "2 1", "a q\(number)"]
          .randomElement(using: &random) ?? ""
        switch questions.typed(line) {
        case .resolve(let name, let approvalID, let hash, _):
          #expect(line.hasSuffix(" \(name)") || line.hasSuffix(" \(name.number)"))
          #expect(open.contains("\(name)"))
          let shown = try #require(texts["\(name)"])
          #expect(shown.approvalID == approvalID)
          let digest = SHA256.hash(data: Data(shown.text.utf8)).map { String(format: "%02x", $0) }.joined()
          #expect(hash == digest)
        case .choose(let key, let optionID, _):
          let name = "q\(number)"
          #expect(line == "\(name) 2" && keys[name] == key && optionID == "\(key)-1")
          #expect(open.remove(name) != nil)
        case .say, nil: break
        }
      }
    }
    #expect(texts.count > 20 && keys.count > 10)
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
