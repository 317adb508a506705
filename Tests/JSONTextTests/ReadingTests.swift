import JSONText
import NIOCore
import Testing

/// Taking values out of a checked text.
struct ReadingTests {
  @Test func kinds() throws {
    let kinds = try JSONText(validating: #"[{},[],"",1,-1,true,false,null]"#).elements.map(\.kind)
    #expect(kinds == [.object, .array, .string, .number, .number, .boolean, .boolean, .null])
  }

  @Test func fieldsAreSlicesOfTheText() throws {
    let text = try JSONText(validating: #" { "a" : { "x" : [ 1, 2 ] } , "b" : "]}," , "c":-1.0 } "#)
    #expect(text["a"]?.description == #"{ "x" : [ 1, 2 ] }"#)
    #expect(text["a"]?["x"]?.elements.map(\.integer) == [1, 2])
    #expect(text["b"]?.string == "]},")
    #expect(text["c"]?.double == -1)
    #expect(text["d"] == nil)
    #expect(text.members.map(\.name) == ["a", "b", "c"])
  }

  @Test func otherKindsHaveNoParts() throws {
    for literal in ["[]", "1", "\"a\"", "null", "true"] {
      let value = try JSONText(validating: literal)
      #expect(value["a"] == nil)
      #expect(value.members.isEmpty)
      #expect(value.elements.isEmpty)
    }
    #expect(try JSONText(validating: "{\"a\":1}").elements.isEmpty)
  }

  @Test func theLastOfTwoFieldsCounts() throws {
    let text = try JSONText(validating: #"{"a":1,"\u0061":2,"b":3}"#)
    #expect(text["a"]?.integer == 2)
    #expect(text.members.map(\.name) == ["a", "a", "b"])
  }

  @Test func namesAreComparedByteByByte() throws {
    // The same letter, once as one scalar, once with a combining accent.
    let text = try JSONText(validating: "{\"e\u{301}\":1,\"caf\":2,\"caff\u{e9}\":3}")
    #expect(text["\u{e9}"] == nil)
    #expect(text["e\u{301}"]?.integer == 1)
    #expect(text["caff"] == nil)
    #expect(text["caf"]?.integer == 2)
    #expect(text["ca"] == nil)
  }

  @Test func stringsAreUnescaped() throws {
    let text = try JSONText(validating: #""a\"\\\/\b\f\n\r\t\u00e9\u0000\uD83D\uDE00é""#)
    #expect(text.string == "a\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{0}\u{1F600}é")
    #expect(try JSONText(validating: #""\uFFFF\uD7FF\uE000""#).string == "\u{FFFF}\u{D7FF}\u{E000}")
    #expect(try JSONText(validating: "1").string == nil)
  }

  @Test(arguments: [
    ("0", 0), ("-0", 0), ("42", 42), ("-7", -7), ("9223372036854775807", Int64.max),
    ("-9223372036854775808", Int64.min),
    ("3.0", 3), ("3e2", 300), ("1.5e1", 15), ("9223372036854775808", nil), ("0.5", nil), ("1e30", nil), ("1e400", nil),
    ("9007199254740993.0", nil as Int64?), ("\"1\"", nil), ("null", nil),
  ])
  func integers(_ text: String, _ expected: Int64?) throws {
    #expect(try JSONText(validating: text).integer == expected)
  }

  @Test func doublesAndBooleans() throws {
    #expect(try JSONText(validating: "-1.5e2").double == -150)
    #expect(try JSONText(validating: "1e999").double == nil)
    #expect(try JSONText(validating: "\"1\"").double == nil)
    #expect(try JSONText(validating: "true").bool == true)
    #expect(try JSONText(validating: "false").bool == false)
    #expect(try JSONText(validating: "0").bool == nil)
    #expect(try JSONText(validating: "null").isNull)
    #expect(try JSONText(validating: "{}").isNull == false)
  }

  @Test func readsBehindAConsumedPartOfABuffer() throws {
    var buffer = ByteBuffer(string: "xx{\"a\":[1]}")
    buffer.moveReaderIndex(forwardBy: 2)
    let value = try JSONText(validating: buffer)
    #expect(value["a"]?.elements.first?.integer == 1)
    #expect(value.description == "{\"a\":[1]}")
  }

  @Test func equalTextsAreEqual() throws {
    let one = try JSONText(validating: #"{"a":[7]}"#)["a"]
    let other = try JSONText(validating: " [7] ")
    #expect(one == other)
    #expect(Set([one, other]).count == 1)
  }
}
