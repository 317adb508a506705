import Foundation
import Testing

@testable import Observability

/// What every line of the sources that logs keeps to: its keys are those of `LogKey`, its message is a phrase.
@Suite struct LogContractTests {
  /// One call of a logger: where it is, and what is between its parentheses.
  private struct Call: CustomStringConvertible {
    let place: String
    let arguments: Substring
    var description: String { "\(place): \(arguments.prefix(120))" }

    /// Its message, when that is a literal.
    var message: Substring? { arguments.prefixMatch(of: #/\s*"((?:[^"\\]|\\.)*)"/#)?.1 }
    /// What stands as a key in its metadata and is a literal.
    var literalKeys: [Substring] { arguments.matches(of: #/[\[,]\s*"([^"\\]*)"\s*:/#).map(\.1) }
  }

  private static let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Sources")

  /// Every call of a logger's methods, and of what makes metadata.
  private static func calls() throws -> [Call] {
    let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
    var calls: [Call] = []
    for case let file as URL in files where file.pathExtension == "swift" {
      let text = try String(contentsOf: file, encoding: .utf8)
      let opening = #/[lL]ogger\.(?:trace|debug|info|notice|warning|error|critical|log)\(|metadata\(|self\.error\(/#
      for match in text.matches(of: opening) {
        calls.append(Call(place: file.lastPathComponent, arguments: arguments(in: text, from: match.range.upperBound)))
      }
    }
    return calls
  }

  /// What is between a parenthesis and the one that closes it. Parentheses inside of literals come in pairs here.
  private static func arguments(in text: String, from start: String.Index) -> Substring {
    var (depth, index) = (1, start)
    while index < text.endIndex {
      if text[index] == "(" { depth += 1 }
      if text[index] == ")" { depth -= 1 }
      if depth == 0 { break }
      index = text.index(after: index)
    }
    return text[start..<index]
  }

  @Test func everyKeyComesFromTheOneList() throws {
    let calls = try Self.calls()
    #expect(calls.count > 50, "the sources are found")
    for call in calls { #expect(call.literalKeys.isEmpty, "\(call)") }
  }

  @Test func everyMessageIsAPhraseThatIsTheSameEachTime() throws {
    for call in try Self.calls() {
      guard let message = call.message else { continue }
      #expect(message.wholeMatch(of: #/[a-z][A-Za-z0-9'\- ]{2,70}/#) != nil, "\(call)")
    }
  }

  @Test func metadataIsMadeNowhereElse() throws {
    let files = try #require(FileManager.default.enumerator(at: Self.sources, includingPropertiesForKeys: nil))
    for case let file as URL in files where file.pathExtension == "swift" {
      let text = try String(contentsOf: file, encoding: .utf8)
      #expect(text.firstMatch(of: #/metadataKey: "/#) == nil, "\(file.lastPathComponent)")
      #expect(text.firstMatch(of: #/Logger\.Metadata\s*=\s*\[\s*"/#) == nil, "\(file.lastPathComponent)")
    }
  }

  @Test func keysAreWordsAndEachIsThereOnce() throws {
    let text = try String(contentsOf: Self.sources.appending(path: "Observability/LogKeys.swift"), encoding: .utf8)
    let keys = text.matches(of: #/static let \w+ = "([^"]*)"/#).map(\.1)
    #expect(keys.count > 20)
    #expect(Set(keys).count == keys.count)
    for key in keys {
      #expect(key.wholeMatch(of: #/[a-z_]+(\.[a-z_]+)?/#) != nil, "\(key)")
      #expect(!JSONLine.ownKeys.contains(String(key)))
    }
  }
}
