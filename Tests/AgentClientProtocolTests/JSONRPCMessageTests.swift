import JSONText
import NIOCore
import Testing

@testable import AgentClientProtocol

/// Telling messages apart, and writing our own.
struct JSONRPCMessageTests {
  private func read(_ line: String) throws -> JSONRPCMessage { try JSONRPCMessage(ByteBuffer(string: line)) }
  private func json(_ text: String) throws -> JSONText { try JSONText(validating: text) }

  @Test func theShapeDecides() throws {
    #expect(
      try read(#"{"jsonrpc":"2.0","id":0,"method":"m","params":{"a":1}}"#)
        == .request(id: json("0"), method: "m", params: json(#"{"a":1}"#)))
    let note = #"{ "method" : "n" }"#
    #expect(try read(note) == .notification(method: "n", params: nil, text: json(note)))
    #expect(try read(#"{"id":7,"result":null}"#) == .response(id: json("7"), .result(.null)))
    #expect(try read(#"{"id":7}"#) == .response(id: json("7"), .result(.null)))
    #expect(try read(#"{"id":7,"result":{},"error":null}"#) == .response(id: json("7"), .result(json("{}"))))
    #expect(
      try read(#"{"id":7,"error":{"code":-32000,"message":"x","data":[1]}}"#)
        == .response(id: json("7"), .error(code: -32000, message: "x", data: json("[1]"))))
    #expect(
      try read(#"{"id":7,"error":"odd"}"#)
        == .response(id: json("7"), .error(code: -32603, message: "no message", data: nil)))
  }

  @Test(arguments: ["\"abc\"", "null", "-3", "1.5"])
  func anyIdOfTheAgentIsKept(_ id: String) throws {
    #expect(try read("{\"id\":\(id),\"method\":\"m\"}") == .request(id: json(id), method: "m", params: nil))
  }

  @Test(arguments: [
    "hello", "[]", "[{\"id\":1,\"result\":{}}]", "{}", "3", "{\"method\":3,\"id\":1}", "{\"result\":1}",
  ])
  func otherLinesAreNoMessages(_ line: String) {
    #expect(throws: JSONRPCMessage.Rejection.self) { try read(line) }
  }

  @Test func linesHoldOneLineEndAtTheirEnd() throws {
    let params = try json("{\n \"a\" : \"x\\ny\"\r\n}")
    #expect(
      String(buffer: JSONRPCLine.request(id: 3, method: "m", params: params))
        == #"{"jsonrpc":"2.0","id":3,"method":"m","params":{"a":"x\ny"}}"# + "\n")
    #expect(
      String(buffer: JSONRPCLine.notification(method: "m", params: .null))
        == #"{"jsonrpc":"2.0","method":"m","params":null}"# + "\n")
    #expect(
      String(buffer: JSONRPCLine.result(id: try json("\"q\""), params))
        == #"{"jsonrpc":"2.0","id":"q","result":{"a":"x\ny"}}"# + "\n")
    #expect(
      String(buffer: JSONRPCLine.error(id: .null, code: -32601, message: "no"))
        == #"{"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"no"}}"# + "\n")
  }
}
