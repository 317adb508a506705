import JSONText
import NIOCore
import Testing

/// Making JSON text.
struct WritingTests {
  @Test(arguments: ["", "plain", "\"\\/\n\r\t", "\u{0}\u{1f}\u{7f}", "é😀\u{2028}", "{\"a\":1}"])
  func whatIsQuotedReadsTheSame(_ string: String) throws {
    let written = JSONText(string: string)
    #expect(written.string == string)
    #expect(try JSONText(validating: written.bytes) == written)
    #expect(written.bytes.readableBytesView.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
  }

  @Test func controlCharactersAreEscaped() {
    var buffer = ByteBuffer()
    JSONText.quote("a\u{1}\u{1f}\u{7f}\n", into: &buffer)
    #expect(String(buffer: buffer) == #""a\u0001\u001f\u007f\n""#)
  }

  @Test func objects() throws {
    let inner = try JSONText(validating: "[1, 2]")
    let text = JSONText { object in
      object.add("string", "a\"b")
      object.add("integer", 7)
      object.add("long", Int64.min)
      object.add("yes", true)
      object.add("no", false)
      object.add("verbatim", inner)
      object.add("left out", nil as String?)
      object.add("left out too", nil as JSONText?)
      object.add("nested") { $0.add("x", "y") }
    }
    let expected =
      #"{"string":"a\"b","integer":7,"long":-9223372036854775808,"yes":true,"no":false,"verbatim":[1, 2],"nested":{"x":"y"}}"#
    #expect(text.description == expected)
    #expect(try JSONText(validating: text.bytes) == text)
    #expect(JSONText { _ in }.description == "{}")
  }

  @Test func arraysAndScalars() {
    #expect(JSONText(array: []).description == "[]")
    #expect(JSONText(array: [JSONText(integer: -1), JSONText(bool: true), .null]).description == "[-1,true,null]")
  }

  @Test(arguments: [
    ("{ \"a\" : [ 1 ,\n 2 ] }", #"{"a":[1,2]}"#), ("[\"a b\\\" c\" ]", #"["a b\" c"]"#), ("{}", "{}"),
    ("\" \"", "\" \""),
    ("{\"a\":\r\n1}", "{\"a\":1}"),
  ])
  func compacting(_ text: String, _ expected: String) throws {
    let value = try JSONText(validating: text)
    #expect(value.compacted().description == expected)
    #expect(value.compacted().compacted() == value.compacted())
  }
}
