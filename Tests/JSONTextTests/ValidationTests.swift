import JSONText
import NIOCore
import Testing

/// What is JSON and what isn't, byte for byte.
struct ValidationTests {
  @Test(arguments: [
    "{}", "[]", "null", "true", "false", "0", "-0", "1.5", "-1.25e+10", "1E5", "\"\"", "\"a\"", " \t\r\n[1 , 2]\n",
    #"{"a":{"b":[null,{}]},"":""}"#, #""\"\\\/\b\f\n\r\t\u00e9""#, #""\uD83D\uDE00""#, "\"é😀\u{FFFF}\"",
    #"{"a":1,"a":2}"#, "\"\u{7F}\"",
  ])
  func accepts(_ text: String) throws {
    let value = try JSONText(validating: text)
    let spaces: Set<Character> = [" ", "\t", "\r", "\n", "\r\n"]
    #expect(
      value.description == String(text.drop { spaces.contains($0) }.reversed().drop { spaces.contains($0) }.reversed()))
  }

  @Test(arguments: [
    ("", 0), ("  ", 2), ("{", 1), ("[1", 2), ("[1,", 3), ("[1,]", 3), ("{\"a\"}", 4), ("{\"a\":}", 5),
    ("{\"a\":1,}", 7),
    ("{a:1}", 1), ("{'a':1}", 1), ("[1 2]", 3), ("1 2", 2), ("01", 1), ("-", 1), ("+1", 0), (".5", 0), ("1.", 2),
    ("1e", 2), ("1e+", 3), ("tru", 3), ("True", 0), ("nul", 3), ("NaN", 0), ("Infinity", 0), ("\"a", 2),
    ("\"\\x\"", 2), ("\"\\u12g4\"", 1), ("\"\\u12\"", 1), ("\"a\nb\"", 2), ("\"\u{0}\"", 1), ("// c\n1", 0),
    ("\u{FEFF}1", 0), ("[]]", 2), ("{}}", 2), ("\"\\", 2), ("]", 0), ("0x10", 1), ("--1", 1),
  ])
  func refusesAt(_ text: String, _ offset: Int) {
    #expect(throws: JSONTextError.malformed(offset: offset)) { try JSONText(validating: text) }
  }

  @Test(arguments: [
    #""\uD800""#, #""\uDC00""#, #""\uD800x""#, #""\uD800\n""#, #""\uD800\u0041""#, #""\uD800\uD800""#, #""\uDBFF"#,
  ])
  func refusesLoneSurrogates(_ text: String) {
    #expect(throws: JSONTextError.malformed(offset: 1)) { try JSONText(validating: text) }
  }

  @Test(
    arguments: [
      [0x80], [0xC0, 0xAF], [0xC1, 0xBF], [0xC3], [0xC3, 0x28], [0xE0, 0x80, 0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80],
      [0xEF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x9F, 0x98], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
      [0xFF],
      [0xE1, 0x80, 0x28], [0xF1, 0x80, 0x80, 0x28],
    ] as [[UInt8]])
  func refusesWrongUTF8(_ bytes: [UInt8]) {
    var text = ByteBuffer(string: "[\"")
    text.writeBytes(bytes)
    text.writeString("\"]")
    #expect(throws: JSONTextError.invalidUTF8(offset: 2)) { try JSONText(validating: text) }
  }

  @Test func refusesWrongUTF8OutsideOfStrings() {
    #expect(throws: JSONTextError.malformed(offset: 1)) {
      try JSONText(validating: ByteBuffer(bytes: [0x5B, 0xC3, 0xA9, 0x5D]))
    }
  }

  @Test func depthIsCountedInBrackets() throws {
    #expect(try JSONText(validating: "1", maximumDepth: 0).integer == 1)
    #expect(try JSONText(validating: "[{}]", maximumDepth: 2).elements.count == 1)
    #expect(throws: JSONTextError.tooDeep) { try JSONText(validating: "[{}]", maximumDepth: 1) }
    #expect(throws: JSONTextError.tooDeep) { try JSONText(validating: "[]", maximumDepth: 0) }
    let deep = String(repeating: "[", count: 33) + String(repeating: "]", count: 33)
    #expect(throws: JSONTextError.tooDeep) { try JSONText(validating: deep) }
    #expect(try JSONText(validating: deep, maximumDepth: 33).kind == .array)
  }

  @Test func manyBracketsDoNotExhaustTheStack() {
    let deep = String(repeating: "[", count: 200_000)
    #expect(throws: JSONTextError.tooDeep) { try JSONText(validating: deep, maximumDepth: .max) }
  }

  /// Every prefix of a valid text with a bracket around it is refused, never accepted and never a crash.
  @Test func everyPrefixIsRefused() throws {
    let whole = Array(#"{"a":[1,-2.5e3,"x\u00e9\uD83D\uDE00é😀",true,false,null,{"b":{}}]}"#.utf8)
    for length in 0..<whole.count {
      #expect(throws: JSONTextError.self) { try JSONText(validating: ByteBuffer(bytes: whole[..<length])) }
    }
    #expect(try JSONText(validating: ByteBuffer(bytes: whole)).kind == .object)
  }

  /// One changed byte is either refused or leaves a text that reads without a crash.
  @Test func everyChangedByteIsHandled() {
    let whole = Array(#"{"a":[1,"x\u00e9\uD83D\uDE00é"],"b":{"c":null}}"#.utf8)
    var accepted = 0
    for index in whole.indices {
      for byte in UInt8.min...UInt8.max {
        var changed = whole
        changed[index] = byte
        guard let value = try? JSONText(validating: ByteBuffer(bytes: changed)) else { continue }
        accepted += 1
        _ = value.members.map { ($0.value.elements.map(\.string), $0.value.members.count, $0.value.integer) }
        #expect(value.bytes.readableBytes == whole.count)
      }
    }
    #expect(accepted > whole.count)
  }

  @Test func errorsAreSentences() {
    #expect(JSONTextError.malformed(offset: 3).message == "The text is not valid JSON at byte 3.")
    #expect("\(JSONTextError.tooDeep)" == "The JSON is nested too deeply.")
    #expect(JSONTextError.invalidUTF8(offset: 0).message == "The text is not valid UTF-8 at byte 0.")
  }
}
