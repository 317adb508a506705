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
      switch Int.random(in: 0..<9, using: &random) {
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
        let form = try #require(QuestionForm(JSONText(validating: #"{"id":"id-\#(step)","prompt":"x","question":{}}"#)))
        let shown = name(questions.inquired(form))
        #expect(texts[shown] == nil && keys[shown] == nil)
        texts[shown] = ("id-\(step)", "")
        open.insert(shown)
      case 4:
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
        case .reply(let name, let approvalID, let approve, let answer):
          #expect(line.hasSuffix(" \(name)") || line.hasSuffix(" \(name.number)"))
          #expect(open.contains("\(name)") && texts["\(name)"]?.approvalID == approvalID)
          #expect(approve == line.hasPrefix("a") && (answer != nil) == approve)
        case .say, nil: break
        }
      }
    }
    #expect(texts.count > 20 && keys.count > 10)
  }
}
