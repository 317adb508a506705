internal import Foundation
import JSONText
import NIOCore

extension FuzzProperty {
  /// What is taken as JSON is what Foundation takes, and means the same; every part of it is JSON of its own; and what
  /// is edited, compacted or written again means what it should.
  ///
  /// Foundation is asked only where both define the answer. It differs on purpose in:
  /// - the encoding: it also reads UTF-16 and UTF-32, skips a byte order mark and drops one at the start of a string, so
  ///   texts with a NUL byte or with such a mark are left out;
  /// - depth: its limit is 512, ours is a parameter, so a text that is `tooDeep` for us is left out;
  /// - commas: it takes one behind the last element or field, we do not;
  /// - UTF-8: it may repair what is no UTF-8, we refuse it;
  /// - numbers: it refuses what no double can hold (`1e999`) and rounds long ones twice, we keep numbers as text;
  /// - names: its dictionaries hold one field for names that are the same up to Unicode equivalence, or duplicates.
  public static let jsonText = FuzzProperty(
    name: "json",
    seeds: [
      #"{"a":[1,-2.5e3,"x\u00e9\uD83D\uDE00é😀",true,false,null,{"b":{}}],"a":2}"#, " [ ] ",
      "{ \"a\" : 1 , \"b\" : [2] }",
      #""\"\\\/\b\f\n\r\t\u0000\u001f\u007f""#, "-0", "0.0e-0", "1E400", "9223372036854775808", "-9223372036854775808",
      #"["\ud800\udc00","\udbff\udfff","\u2028"]"#, #"{"":{"":[[[[[[[[]]]]]]]]}}"#, "\"\u{7F}\u{FFFF}\u{10FFFF}\"",
      "{\"e\u{301}\":1,\"\u{E9}\":2}", #"{"jsonrpc":"2.0","id":1,"method":"session/update","params":{"x":"y"}}"#,
      "[3.0,3e2,0.5,1e30,9007199254740993,9007199254740993.0,-1e-400]", "\t\r\n {\r\n\t\"k\"\t:\n\"v\"\r} ", "[3.0,]",
      "{\"a\":1,}",
      "-2222222222222222222222222222222",
    ],
    bytes: [[0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], [0xEF, 0xBB, 0xBF, 0x31]],
    dictionary: [
      "{", "}", "[", "]", ":", ",", "\"", "\\", "\\u", "\\ud800", "\\udc00", "\\u0061", "\"a\":", "\"a\":1,", "null",
      "true", "false", "{}", "[]", "-", "0", ".", "e", "E+", "1e999", " ", "\n", "\0", "é", "😀", "\u{FEFF}", "\u{7F}",
      "\"\"", "[[[[[[[[", "]]]]]]]]", "Infinity", "0x1", "//", "NaN",
    ]
  ) { input in
    let value: JSONText
    do throws(JSONTextError) {
      value = try JSONText(validating: ByteBuffer(bytes: input))
    } catch {
      if error != .tooDeep, isDefined(input), !hasHugeNumber(input), !hasLastComma(input) {
        try expect(parsed(input) == nil, "refused (\(error)), but Foundation takes it")
      }
      return
    }
    try expect(String(validating: input, as: UTF8.self) != nil, "no UTF-8, but taken")
    if isDefined(input), !hasHugeNumber(input) {
      guard let other = parsed(input) else { throw Violation("taken, but Foundation refuses it") }
      try compare(value, other)
    }
    let moved = try JSONText(validating: Pieces.buffer(input, behind: 5))
    try expectSame(moved, value, "read from inside of a buffer")
    try checkParts(value)
    try checkCompacted(value)
    try checkWriting(value)
    try checkEditing(value)
  }

  private static func parsed(_ input: [UInt8]) -> Any? {
    try? JSONSerialization.jsonObject(with: Data(input), options: .fragmentsAllowed)
  }

  private static func isDefined(_ input: [UInt8]) -> Bool {
    let hasMark = input.indices.contains { input[$0...].starts(with: [0xEF, 0xBB, 0xBF]) }
    return !input.contains(0) && !hasMark && !hasEscapedMark(input) && String(validating: input, as: UTF8.self) != nil
  }

  private static func hasLastComma(_ input: [UInt8]) -> Bool {
    var previous: UInt8 = 0
    for byte in input where !" \t\r\n".utf8.contains(byte) {
      if previous == UInt8(ascii: ","), byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") { return true }
      previous = byte
    }
    return false
  }

  private static func hasEscapedMark(_ input: [UInt8]) -> Bool {
    String(decoding: input, as: UTF8.self).lowercased().contains("\\ufeff")
  }

  /// Whether a number in it may be beyond a double, or beyond the decimal that Foundation reads some numbers into.
  private static func hasHugeNumber(_ input: [UInt8]) -> Bool {
    var digits = 0
    for (index, byte) in input.enumerated() {
      digits = (0x30...0x39).contains(byte) ? digits + 1 : 0
      let isExponent = byte | 0x20 == UInt8(ascii: "e") && index > 0 && (0x30...0x39).contains(input[index - 1])
      if digits > 30 || isExponent && input[(index + 1)...].prefix(4).filter({ (0x30...0x39).contains($0) }).count > 2 {
        return true
      }
    }
    return false
  }

  /// Both readings of the same text hold the same.
  private static func compare(_ value: JSONText, _ other: Any) throws {
    let about = "\(value) is \(other) for Foundation"
    switch value.kind {
    case .null: try expect(other is NSNull, about)
    case .boolean: try expectSame(value.bool, (other as? NSNumber)?.boolValue, about)
    case .string: try expect((other as? String).map { Array($0.utf8) } == value.string.map { Array($0.utf8) }, about)
    case .number:
      guard let number = other as? NSNumber else { throw Violation(about) }
      // Foundation rounds what has more digits than a double twice.
      let difference = ((value.double ?? .nan) - number.doubleValue).magnitude
      try expect(difference <= number.doubleValue.magnitude * 1e-14, about)
      if let integer = Int64(value.description) {
        try expectSame(value.integer, integer, about)
        try expectSame(number.int64Value, integer, about)
      }
    case .array:
      let elements = value.elements
      guard let others = other as? [Any], others.count == elements.count else { throw Violation(about) }
      for (element, other) in zip(elements, others) { try compare(element, other) }
    case .object:
      let members = value.members
      guard let others = other as? [String: Any] else { throw Violation(about) }
      guard Set(members.map(\.name)).count == members.count else { return }
      try expectSame(others.count, members.count, about)
      for (name, value) in members {
        guard let other = others[name] else { throw Violation(about) }
        try compare(value, other)
      }
    }
  }

  /// Each part is exactly one value, and what the accessors say of it fits its kind.
  private static func checkParts(_ value: JSONText) throws {
    try expectSame(JSONText(validating: value.bytes), value, "a part on its own")
    try expectSame(value.string != nil, value.kind == .string, "the string of \(value)")
    try expectSame(value.bool != nil, value.kind == .boolean, "the truth of \(value)")
    try expect(value.kind == .number || value.integer == nil && value.double == nil, "the number of \(value)")
    if value.kind != .object { try expect(value.members.isEmpty, "the fields of \(value)") }
    var last: [[UInt8]: JSONText] = [:]
    for (name, member) in value.members {
      last[Array(name.utf8)] = member
      try checkParts(member)
    }
    for (name, member) in last {
      try expectSame(value[String(decoding: name, as: UTF8.self)], member, "the last of a name in \(value)")
    }
    for element in value.elements { try checkParts(element) }
  }

  private static func checkCompacted(_ value: JSONText) throws {
    let compact = try JSONText(validating: value.compacted().bytes)
    try expectSame(compact.compacted(), compact, "compacted twice")
    try expect(rewritten(compact) == rewritten(value), "compacted: \(compact) of \(value)")
    try expect(!compact.bytes.readableBytesView.contains(0x0A), "a line end in \(compact)")
  }

  /// The same value written from its parts.
  private static func rewritten(_ value: JSONText) -> JSONText {
    switch value.kind {
    case .array: JSONText(array: value.elements.map(rewritten))
    case .object:
      JSONText { writer in
        for (name, member) in value.members { writer.add(name, rewritten(member)) }
      }
    case .string: value.string.map { JSONText(string: $0) } ?? .null
    default: value
    }
  }

  private static func checkWriting(_ value: JSONText) throws {
    let written = rewritten(value)
    try expectSame(JSONText(validating: written.bytes), written, "what was written")
    try expectSame(rewritten(written), written, "written twice")
    try expectSame(written.members.map(\.name), value.members.map(\.name), "written names")
  }

  /// Fields are removed and replaced by what is in their name; the others stay as they were.
  private static func checkEditing(_ value: JSONText) throws {
    try expectSame(value.editingMembers { _, _ in .keep }, value, "edited without a change")
    let members = value.members
    // Each third one, from each start: first, last, neighbours and all.
    for (offset, step) in [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)] {
      var (asked, expected) = ([String](), [String]())
      let edited = value.editingMembers { name, member in
        asked.append(name)
        switch (asked.count + offset) % step == 0 ? asked.count % 2 : 2 {
        case 0:
          expected.append("\(name)=\(JSONText(string: name))")
          return .replace(JSONText(string: name))
        case 1: return .remove
        default:
          expected.append("\(name)=\(member)")
          return .keep
        }
      }
      try expectSame(asked, members.map(\.name), "names asked about in \(value)")
      let read = try JSONText(validating: edited.bytes)
      if value.kind == .object {
        try expectSame(read.members.map { "\($0.name)=\($0.value)" }, expected, "\(value) edited to \(edited)")
      } else {
        try expectSame(read, value, "edited, but no object")
      }
    }
  }
}
