import Basics
import HTTPTypes
import JSONText
import NIOCore
import Testing

@testable import HTTPGateway

/// Taking requests apart: paths, queries, bodies, lines.
@Suite struct RequestFormTests {
  private let table = RouteTable([
    Route(.get, "/") { _ in .empty(.ok) },
    Route(.get, "/a") { _ in .empty(.ok) },
    Route(.post, "/a") { _ in .empty(.ok) },
    Route(.get, "/a/{id}") { _ in .empty(.ok) },
    Route(.get, "/a/{id}/stream", isStream: true) { _ in .empty(.ok) },
    Route(.get, "/a/fixed") { _ in .empty(.ok) },
  ])

  private func find(_ method: HTTPRequest.Method, _ path: String) -> String {
    switch table.match(method, path: path[...]) {
    case .found(let index, let parameters):
      ([table.routes[index].path] + parameters.map(String.init)).joined(separator: " ")
    case .otherMethods(let allowed): "not \(method.rawValue) but \(allowed)"
    case .none: "none"
    }
  }

  @Test func pathsLeadToRoutes() {
    #expect(find(.get, "/") == "/")
    #expect(find(.get, "/a") == "/a")
    #expect(find(.get, "/a/x%20y") == "/a/{id} x%20y")
    #expect(find(.get, "/a/fixed") == "/a/fixed", "a literal wins over a parameter")
    #expect(find(.get, "/a/x/stream") == "/a/{id}/stream x")
    for path in ["", "a", "//", "/a/", "/a//stream", "/b", "/a/x/other", "/a/x/stream/"] {
      #expect(find(.get, path) == "none", "\(path)")
    }
  }

  @Test func otherMethodsAreNamedAndAHeadIsAGetThatEnds() {
    #expect(find(.put, "/a") == "not PUT but GET, POST, HEAD, OPTIONS")
    #expect(find(.head, "/a/x") == "/a/{id} x")
    #expect(find(.head, "/a/x/stream") == "not HEAD but GET, OPTIONS")
  }

  @Test func queriesAreDecoded() throws {
    let query = try QueryParameters("a=1%202+3&b=&c&a=9&%C3%A9=%E2%82%AC")
    #expect(query["a"] == "1 2 3", "the first of a name counts")
    #expect(query["b"] == nil, "an empty value is none")
    #expect(query["c"] == nil)
    #expect(query["é"] == "€")
    for broken in ["a=%", "a=%2", "a=%zz", "a=%FF", "%C3=1"] {
      #expect(throws: GatewayError.self, "\(broken)") { try QueryParameters(broken[...]) }
    }
    #expect(try QueryParameters("n=7").integer("n", in: 1...10) == 7)
    for wrong in ["n=0", "n=11", "n=x", "n=1.5", "n=99999999999999999999"] {
      #expect(throws: GatewayError.self, "\(wrong)") { try QueryParameters(wrong[...]).integer("n", in: 1...10) }
    }
  }

  private func fields(_ body: String, _ type: String? = "application/json") throws -> RequestFields {
    try RequestFields(body: ByteBuffer(string: body), contentType: type, maximumDepth: 8)
  }

  private func code(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch { return (error as? GatewayError)?.code }
  }

  @Test func bodiesAreOneJSONObject() throws {
    #expect(try fields("").object == nil)
    #expect(try fields(#"{"a":1,"a":2}"#).integer("a") == 2, "the last of a name counts")
    for wrong in ["[]", "1", "null", "{", "{}{}", #"{"a":"\ud800"}"#, String(repeating: "[", count: 9)] {
      #expect(code { _ = try fields(wrong) } == "INVALID_BODY", "\(wrong)")
    }
    for type in [nil, "text/plain", "", "application/jsonp", "*/*"] {
      #expect(code { _ = try fields("{}", type) } == "UNSUPPORTED_MEDIA_TYPE", "\(type ?? "none")")
    }
    for type in ["application/json", "Application/JSON; charset=utf-8", " application/json ;x"] {
      #expect(code { _ = try fields("{}", type) } == nil, "\(type)")
    }
  }

  @Test func fieldsHaveTheirTypesAndTheSentencesNameThem() throws {
    let body = try fields(#"{"s":"x","n":3,"f":1.5,"z":null,"b":true,"o":{"i":1},"l":[1],"w":"viewer"}"#)
    #expect(try body.string("s") == "x")
    #expect(try body.optionalString("z") == nil, "null is absent")
    #expect(try body.integer("n") == 3)
    #expect(try body.optionalBool("b") == true)
    #expect(try body.optionalObject("o")?.integer("i") == 1)
    #expect(try body.list("l").count == 1)
    let wrong: [() throws -> Void] = [
      { _ = try body.string("z") }, { _ = try body.string("n") }, { _ = try body.integer("f") },
      { _ = try body.integer("s") }, { _ = try body.optionalObject("l") }, { _ = try body.list("o") },
      { _ = try body.optionalBool("s") }, { _ = try body.list("missing") },
    ]
    for attempt in wrong { #expect(code(attempt) == "INVALID_BODY") }
    do {
      _ = try body.string("n")
    } catch { #expect(error.message == "'n' must be a string.") }
  }

  @Test(arguments: [1, 2, 3, 7, 100])
  func linesAreFoundHoweverABodyIsCut(size: Int) throws {
    let body = "first\n\n  \nsecond\r\nthird, which is longer\nlast"
    var framer = LineFramer(maximumBytes: 30)
    var lines: [String] = []
    var rest = Array(body.utf8)[...]
    while !rest.isEmpty {
      lines += try Notifications.lines(framer.append(ByteBuffer(bytes: rest.prefix(size))), 30).map(
        String.init(buffer:))
      rest = rest.dropFirst(size)
    }
    lines += try Notifications.lines(framer.end(), 30).map(String.init(buffer:))
    #expect(lines == ["first", "second", "third, which is longer", "last"])
  }

  @Test func aLineBeyondItsBoundIsRefusedBeforeItEnds() {
    var framer = LineFramer(maximumBytes: 10)
    #expect(code { _ = try Notifications.lines(framer.append(ByteBuffer(string: "0123456789\n")), 10) } == nil)
    #expect(
      code { _ = try Notifications.lines(framer.append(ByteBuffer(string: "0123456789a")), 10) } == "BODY_TOO_LARGE")
  }

  @Test func anErrorOfTheInsideSaysNothingAboutIt() {
    struct Secret: Error {}
    let error = GatewayError(rendering: Secret())
    #expect(error.status == 500)
    #expect(error.code == "INTERNAL_ERROR")
    #expect(!error.message.contains("Secret"))
  }
}
