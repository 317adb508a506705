import JSONText
import Testing

@testable import SharedSessions

/// What an agent may ask for with a schema, and which answers fit.
@Suite struct QuestionSchemaTests {
  static let whole = """
    {"type":"object","title":"Deploy","properties":{
      "name":{"type":"string","minLength":2,"maxLength":5,"_meta":{"x":1},"pattern":"^[a-z]+$"},
      "mail":{"type":"string","format":"email"},
      "share":{"type":"number","minimum":0.5,"maximum":1.5},
      "count":{"type":"integer","minimum":1,"maximum":3,"default":2},
      "sure":{"type":"boolean","default":"yes"},
      "place":{"type":"string","oneOf":[{"const":"eu","title":"Europe"},{"const":"us","title":"America"}]},
      "size":{"type":"string","enum":["s","m"]},
      "tags":{"type":"array","minItems":1,"maxItems":2,"items":{"anyOf":[{"const":"a","title":"A"},{"const":"b","title":"B"}]}},
      "more":{"type":"array","items":{"type":"string","enum":["x","y"]}}
    },"required":["name","tags"]}
    """

  static func schema(_ text: String) throws -> QuestionSchema { try QuestionSchema(JSONText(validating: text)) }

  @Test func whatIsUnderstoodIsKeptAndNothingElse() throws {
    let schema = try Self.schema(Self.whole)
    #expect(schema.fields.map(\.name) == ["name", "mail", "share", "count", "sure", "place", "size", "tags", "more"])
    let text = schema.text
    #expect(text["title"]?.string == "Deploy")
    #expect(text["properties"]?["name"]?["pattern"]?.string == "^[a-z]+$")
    #expect(text["properties"]?["name"]?["_meta"] == nil)
    #expect(text["properties"]?["share"]?["maximum"]?.double == 1.5)
    #expect(text["properties"]?["count"]?["default"]?.integer == 2)
    // A default that would not be taken as an answer is none.
    #expect(text["properties"]?["sure"]?["default"] == nil)
    #expect(text["properties"]?["more"]?["items"]?["enum"]?.elements.count == 2)
    #expect(text["required"]?.elements.map(\.string) == ["name", "tags"])
    // What is kept says the same again.
    #expect(try QuestionSchema(text).text == text)
  }

  @Test(arguments: [
    (#"{"name":"abc","tags":["b"]}"#, #"{"name":"abc","tags":["b"]}"#),
    (#"{"tags":["b","a"],"name":"añb","mail":null}"#, #"{"name":"añb","tags":["b","a"]}"#),
    (
      #"{"name":"ab","tags":["a"],"count":2.0,"share":0.50,"sure":false,"place":"us","size":"m","more":[],"mail":"a@b"}"#,
      #"{"name":"ab","mail":"a@b","share":0.50,"count":2,"sure":false,"place":"us","size":"m","tags":["a"],"more":[]}"#
    ),
  ])
  func whatFitsIsTaken(_ answer: String, _ taken: String) throws {
    let checked = try Self.schema(Self.whole).checked(JSONText(validating: answer))
    #expect(checked.description == taken)
  }

  @Test(arguments: [
    ("[]", "'answer' must be an object"), (#"{"tags":["a"]}"#, "'name' is missing"),
    (#"{"name":null,"tags":["a"]}"#, "'name' is missing"),
    (#"{"name":"a","tags":["a"]}"#, "'name' must be 2 to 5 characters"),
    (#"{"name":7,"tags":["a"]}"#, "'name' must be a text"), (#"{"name":"ab","tags":"a"}"#, "'tags' must be a list"),
    (#"{"name":"ab","tags":[]}"#, "'tags' must hold 1 to 2 choices"),
    (#"{"name":"ab","tags":["a","a"]}"#, "Every entry of 'tags'"),
    (#"{"name":"ab","tags":["c"]}"#, "must be one of 'a', 'b'"),
    (#"{"name":"ab","tags":["a"],"mail":"x"}"#, "'mail' must be an e-mail address"),
    (#"{"name":"ab","tags":["a"],"share":2}"#, "'share' must be 0.5 to 1.5"),
    (#"{"name":"ab","tags":["a"],"share":"1"}"#, "'share' must be a number"),
    (#"{"name":"ab","tags":["a"],"count":2.5}"#, "'count' must be a whole number"),
    (#"{"name":"ab","tags":["a"],"count":4}"#, "'count' must be 1 to 3"),
    (#"{"name":"ab","tags":["a"],"sure":"yes"}"#, "'sure' must be true or false"),
    (#"{"name":"ab","tags":["a"],"place":"Europe"}"#, "'place' must be one of 'eu', 'us'"),
    (#"{"name":"ab","tags":["a"],"other":1}"#, "no field 'other'"),
    (#"{"name":"ab","name":"cd","tags":["a"]}"#, "'name' is there twice"),
    ("{\"name\":\"a\\u0000b\",\"tags\":[\"a\"]}", "'name' must be a text"),
  ])
  func whatDoesNotFitIsToldByItsField(_ answer: String, _ why: String) throws {
    let schema = try Self.schema(Self.whole)
    let fault = #expect(throws: QuestionSchema.Fault.self) { try schema.checked(JSONText(validating: answer)) }
    #expect(fault?.message.contains(why) == true, "\(fault?.message ?? "")")
  }

  @Test(arguments: [
    ("[]", "'schema' must be an object"), (#"{"type":"array"}"#, "'schema.type'"),
    (#"{"properties":[]}"#, "'schema.properties'"),
    (#"{"required":["a"]}"#, "'schema.required' names 'a'"), (#"{"required":"a"}"#, "'schema.required' must be a list"),
    (#"{"properties":{"a":{"type":"object"}}}"#, "it is 'object'"), (#"{"properties":{"a":{}}}"#, "it is 'none'"),
    (#"{"properties":{"a":7}}"#, "'schema.properties.a' must be an object"),
    (#"{"properties":{"":{"type":"boolean"}}}"#, "A field's name"),
    (#"{"properties":{"a\nb":{"type":"boolean"}}}"#, "A field's name"),
    (#"{"properties":{"a":{"type":"boolean"},"a":{"type":"boolean"}}}"#, "names 'a' twice"),
    (#"{"properties":{"a":{"type":"string","enum":[]}}}"#, "1 to 128 choices"),
    (#"{"properties":{"a":{"type":"string","enum":["x","x"]}}}"#, "a choice twice"),
    (#"{"properties":{"a":{"type":"string","enum":[1]}}}"#, "no text"),
    (#"{"properties":{"a":{"type":"array","items":{"type":"string"}}}}"#, "what there is to choose from"),
    (#"{"properties":{"a":{"type":"string","minLength":3,"maxLength":2}}}"#, "is more than 'maxLength'"),
    (#"{"properties":{"a":{"type":"string","minLength":-1}}}"#, "must be a whole number"),
    (#"{"properties":{"a":{"type":"number","minimum":3,"maximum":2}}}"#, "is more than 'maximum'"),
  ])
  func whatCannotBeAskedIsRefused(_ text: String, _ why: String) throws {
    let fault = #expect(throws: QuestionSchema.Fault.self) { try Self.schema(text) }
    #expect(fault?.message.contains(why) == true, "\(fault?.message ?? "")")
  }

  @Test func everythingOfASchemaIsBounded() throws {
    func fields(_ count: Int) -> String {
      let list = (0..<count).map { #""f\#($0)":{"type":"boolean"}"# }.joined(separator: ",")
      return #"{"properties":{\#(list)}}"#
    }
    #expect(try Self.schema(fields(QuestionSchema.mostFields)).fields.count == QuestionSchema.mostFields)
    let long = String(repeating: "x", count: 2_001)
    let choices = (0...QuestionSchema.mostChoices).map { "\"\($0)\"" }.joined(separator: ",")
    for text in [
      fields(QuestionSchema.mostFields + 1), #"{"properties":{"\#(long)":{"type":"boolean"}}}"#,
      #"{"properties":{"a":{"type":"boolean","title":"\#(long)"}}}"#, #"{"description":"\#(long)"}"#,
      #"{"properties":{"a":{"type":"string","enum":["\#(long)"]}}}"#,
      #"{"properties":{"a":{"type":"string","enum":[\#(choices)]}}}"#,
    ] {
      #expect(throws: QuestionSchema.Fault.self) { try Self.schema(text) }
    }
  }

  @Test(arguments: [
    ("date", ["2024-02-29"], ["2023-02-29", "2024-13-01", "24-01-01", "2024-1-1", "x"]),
    (
      "date-time", ["2024-02-29T23:59:60Z", "2024-01-01T00:00:00.123+02:00"],
      ["2024-02-29", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00", "2024-01-01T00:00:00+2", "2024-01-01T00:00:00.Z"]
    ),
    ("uri", ["https://example.com/a?b", "mailto:a@b"], ["example.com", "https:", "1x:a", "a b:c"]),
    ("email", ["a@b.c"], ["a", "a@", "@b", "a b@c", "a@b@c"]),
  ])
  func textsOfAFormatHaveItsForm(_ format: String, _ good: [String], _ bad: [String]) throws {
    let schema = try Self.schema(#"{"properties":{"a":{"type":"string","format":"\#(format)"}}}"#)
    for text in good { #expect(throws: Never.self) { try schema.checked(JSONText { $0.add("a", text) }) } }
    for text in bad {
      #expect(throws: QuestionSchema.Fault.self) { try schema.checked(JSONText { $0.add("a", text) }) }
    }
  }

  @Test(arguments: [
    ("https://Example.com:8443/x?y#z", "example.com:8443"), ("http://[::1]/", "[::1]"), ("javascript:alert(1)", nil),
    ("https://bank.example@evil.example/", nil), ("https:///x", nil), ("https://exämple.com/", nil), ("//x", nil),
    ("https://a b/", nil), ("https://:80/", nil), ("https://a\\@b/", nil),
  ])
  func aPageIsToldByItsHost(_ url: String, _ host: String?) { #expect(QuestionPage(url)?.host == host) }
}
