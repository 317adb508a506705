import JSONText
import Testing

/// Strings of a value that get others in their place.
struct StringReplacingTests {
  private func replace(_ text: String, _ replace: (String, JSONText.StringPlace) -> String?) throws -> String {
    let value = try JSONText(validating: text, maximumDepth: 512)
    return value.replacingStrings { string, place in
      replace(String(decoding: string, as: UTF8.self), place).map { Array($0.utf8) }
    }.description
  }

  @Test(arguments: [
    #"{ "a" : "x" , "b":[1.50, "x",{"x":"y"}], "c":null }"#, #""x""#, "[]", "12345678901234567890",
    #"{"\u0061":"\ud83d\ude00"}"#,
  ])
  func whatIsLeftStaysByteForByte(_ text: String) throws {
    #expect(try replace(text) { _, _ in nil } == text)
  }

  @Test func stringsAreReplacedWhereverTheyStand() throws {
    let text = #"{ "x" : "x", "b":[ "x",{"c":"a\nx"}], "d":"\u0078" }"#
    let new = try replace(text) { string, _ in string == "x" ? "\"é\n" : nil }
    #expect(new == #"{ "\"é\n" : "\"é\n", "b":[ "\"é\n",{"c":"a\nx"}], "d":"\"é\n" }"#)
    #expect(try JSONText(validating: new)["d"]?.string == "\"é\n")
    #expect(try replace(#""x""#) { _, _ in "" } == #""""#)
  }

  @Test func eachStringIsToldItsPlace() throws {
    var places: [String] = []
    _ = try replace(#"{"a":"1","b":["2",{"c" : "3"}],"d":{"e":"4"},"f":5,"g":"6"}"#) { string, place in
      switch place {
      case .name: places.append("\(string):")
      case .value(of: let name): places.append("\(String(decoding: name, as: UTF8.self))=\(string)")
      case .element: places.append(string)
      }
      return nil
    }
    #expect(places == ["a:", "a=1", "b:", "2", "c:", "c=3", "d:", "e:", "e=4", "f:", "g:", "g=6"])
  }

  @Test func howDeeplyItIsNestedDoesNotMatter() throws {
    let depth = 500
    let text = String(repeating: "[", count: depth) + #""x""# + String(repeating: "]", count: depth)
    #expect(try replace(text) { _, _ in "y" } == text.replacing("x", with: "y"))
  }
}
