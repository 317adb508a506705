import JSONText
import Testing

@Suite struct EditingTests {
  private func edited(_ text: String, removing names: Set<String>) throws -> String {
    try JSONText(validating: text).editingMembers { name, _ in names.contains(name) ? .remove : .keep }.description
  }

  @Test(arguments: [
    (#"{"a":1,"b":2,"c":3}"#, #"{"b":2}"#), (#"{"b":2,"a":1}"#, #"{"b":2}"#), (#"{"a":1}"#, "{}"), ("{}", "{}"),
    (#"{ "a" : 1 , "b" : [1, {"a" : 2}] , "c":3 }"#, #"{ "b" : [1, {"a" : 2}] }"#),
    (#"{"x":"a\"b","a":{"}":"]"},"b":"\u0041"}"#, #"{"x":"a\"b","b":"\u0041"}"#),
    (#"{"a":1,"b":2,"a":3,"\u0061":4}"#, #"{"b":2}"#), (#"{"b":1.50,"b":1e3}"#, #"{"b":1.50,"b":1e3}"#),
  ])
  func whatIsRemovedTakesItsCommaAndTheRestStaysByteForByte(text: String, expected: String) throws {
    #expect(try edited(text, removing: ["a", "c"]) == expected)
  }

  @Test func aValueIsReplacedWhereItStands() throws {
    let object = try JSONText(validating: #"{ "a": 1 , "b" :[2] ,"c":3}"#)
    let edited = object.editingMembers { name, value in
      name == "b" ? .replace(JSONText(string: "x")) : name == "a" ? .remove : .keep
    }
    #expect(edited.description == #"{ "b" :"x" ,"c":3}"#)
  }

  @Test func nothingChangesForOtherKindsOrWithoutAnEdit() throws {
    for text in ["[1,2]", "\"a\"", "1", "null", #"{"a":1}"#] {
      #expect(try edited(text, removing: ["b"]) == text)
    }
  }

  @Test func everyDuplicateIsAskedAboutAndFailuresPass() throws {
    struct Stop: Error {}
    var names: [String] = []
    let object = try JSONText(validating: #"{"a":1,"a":2,"b":3,"c":4}"#)
    #expect(throws: Stop.self) {
      try object.editingMembers { name, value throws(Stop) in
        names.append("\(name)\(value)")
        guard name != "b" else { throw Stop() }
        return .keep
      }
    }
    #expect(names == ["a1", "a2", "b3"])
  }

  /// Random objects with random white space, against the same edit on the list of their fields.
  @Test func anyObjectKeepsTheFieldsItShouldAndNoOthers() throws {
    var random = SystemRandomNumberGenerator()
    let values = [
      "1", "\"}\"", "\"\\\"a\\\":1\"", "[1,{\"a\":2}]", "{\"a\":{}}", "null", "{}", "-0.5e+3", "\"\\u0061\"",
    ]
    let spaces = ["", " ", "\n\t", "  "]
    for _ in 0..<500 {
      var fields: [(name: String, value: String)] = []
      for _ in 0..<Int.random(in: 0...6, using: &random) {
        fields.append(
          (["a", "b", "c", "d"].randomElement(using: &random) ?? "a", values.randomElement(using: &random) ?? "1"))
      }
      let space = { spaces.randomElement() ?? "" }
      let parts = fields.map { "\(space())\"\($0.name)\"\(space()):\(space())\($0.value)\(space())" }
      let object = try JSONText(validating: "{" + (parts.isEmpty ? space() : parts.joined(separator: ",")) + "}")
      let edited = object.editingMembers { name, _ in name == "a" ? .remove : name == "b" ? .replace(.null) : .keep }
      let checked = try JSONText(validating: edited.bytes)
      let expected = fields.filter { $0.name != "a" }.map { "\($0.name)=\($0.name == "b" ? "null" : $0.value)" }
      #expect(checked.members.map { "\($0.name)=\($0.value)" } == expected, "\(object) became \(edited)")
    }
  }
}
