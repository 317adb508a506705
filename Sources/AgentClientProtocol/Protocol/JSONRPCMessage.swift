import JSONText
import NIOCore

/// One JSON-RPC 2.0 message as an agent sends it, told apart by its shape alone; an immutable value.
///
/// Both sides number their own requests, from 0 as well, so an id says nothing about who asked: a message with a method
/// is the agent's, one without answers us.
enum JSONRPCMessage: Sendable, Hashable {
  /// The agent wants an answer that carries `id` back as it is; ids may be numbers, strings or null.
  case request(id: JSONText, method: String, params: JSONText?)
  /// The agent says something. `text` is the whole message, byte for byte.
  case notification(method: String, params: JSONText?, text: JSONText)
  /// The agent answers our request.
  case response(id: JSONText, Answer)

  /// How a request ended.
  enum Answer: Sendable, Hashable {
    case result(JSONText)
    case error(code: Int64, message: String, data: JSONText?)
  }

  /// How deeply a message may be nested: what tools report about themselves goes deep.
  static let maximumDepth = 128

  /// Why a line is no message.
  enum Rejection: Error, Hashable {
    case notJSON(JSONTextError)
    case notAMessage
  }

  /// Reads a line.
  init(_ line: ByteBuffer) throws(Rejection) {
    let text: JSONText
    do {
      text = try JSONText(validating: line, maximumDepth: Self.maximumDepth)
    } catch {
      throw .notJSON(error)
    }
    let id = text["id"]
    if let method = text["method"]?.string {
      if let id {
        self = .request(id: id, method: method, params: text["params"])
      } else {
        self = .notification(method: method, params: text["params"], text: text)
      }
    } else if let id, text["method"] == nil {
      if let error = text["error"], !error.isNull {
        self = .response(
          id: id,
          .error(
            code: error["code"]?.integer ?? -32603, message: error["message"]?.string ?? "no message",
            data: error["data"]))
      } else {
        self = .response(id: id, .result(text["result"] ?? .null))
      }
    } else {
      throw .notAMessage
    }
  }
}

/// The lines we send; functions without state. Each ends with a line feed and holds no other.
enum JSONRPCLine {
  static func request(id: Int64, method: String, params: JSONText) -> ByteBuffer {
    line {
      $0.add("id", id)
      $0.add("method", method)
      $0.add("params", params)
    }
  }

  static func notification(method: String, params: JSONText) -> ByteBuffer {
    line {
      $0.add("method", method)
      $0.add("params", params)
    }
  }

  static func result(id: JSONText, _ result: JSONText) -> ByteBuffer {
    line {
      $0.add("id", id)
      $0.add("result", result)
    }
  }

  static func error(id: JSONText, code: Int64, message: String) -> ByteBuffer {
    line {
      $0.add("id", id)
      $0.add("error") {
        $0.add("code", code)
        $0.add("message", message)
      }
    }
  }

  private static func line(_ write: (inout JSONObjectWriter) -> Void) -> ByteBuffer {
    let text = JSONText {
      $0.add("jsonrpc", "2.0")
      write(&$0)
    }
    // Text that came from elsewhere may hold line ends between its parts.
    var bytes = text.compacted().bytes
    bytes.writeInteger(UInt8(ascii: "\n"))
    return bytes
  }
}
