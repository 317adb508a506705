internal import Basics
internal import Crypto
internal import Foundation
internal import JSONText
internal import NIOCore

/// One block of a prompt as a client sent it, read part by part. A value.
struct ContentBlock {
  private let block: JSONText
  private let place: String
  private let index: Int

  init(_ block: JSONText, _ index: Int) {
    self.block = block
    self.index = index
    place = "content[\(index)]"
  }

  /// The kind of block.
  ///
  /// - Throws: `INVALID_BODY` for what is no block, `INVALID_FIELD` for an unknown kind.
  var type: String {
    get throws(SharedSessionError) {
      guard block.kind == .object, let type = block["type"]?.string else {
        throw SharedSessionError(.invalidBody, "'\(place)' must be an object with a 'type'.")
      }
      guard ["text", "resource_link", "image", "audio", "resource"].contains(type) else {
        throw SharedSessionError(
          .invalidField, "'\(place).type' must be text, resource_link, image, audio or resource.")
      }
      return type
    }
  }

  /// The text of a text block.
  func text() throws(SharedSessionError) -> String { try string(block, "text", needed: true) ?? "" }

  /// A link as it is shown.
  func link() throws(SharedSessionError) -> JSONText {
    let (uri, name) = (try short(block, "uri", needed: true), try short(block, "name", needed: true))
    let (title, about) = (try short(block, "title"), try short(block, "description"))
    let mimeType = try mimeType(block)
    let size = block["size"]?.integer
    guard size ?? 0 >= 0 else { throw SharedSessionError(.invalidField, "'\(place).size' must not be negative.") }
    return JSONText { object in
      object.add("type", "resource_link")
      object.add("uri", uri)
      object.add("name", name)
      object.add("title", title)
      object.add("description", about)
      object.add("mimeType", mimeType)
      object.add("size", size)
    }
  }

  /// An attachment: what is shown of it, and what is kept.
  func attachment(_ type: String, most: Int) throws(SharedSessionError) -> (shown: JSONText, kept: ByteBuffer) {
    let resource = block["resource"]
    if type == "resource", resource?.kind != .object {
      throw SharedSessionError(.invalidBody, "'\(place).resource' must be an object.")
    }
    let source = type == "resource" ? resource ?? block : block
    let uri = try short(source, "uri", needed: type == "resource")
    let text = type == "resource" ? try string(source, "text") : nil
    let bytes: [UInt8]
    if let text {
      bytes = Array(text.utf8)
    } else {
      let member = type == "resource" ? "blob" : "data"
      let base64 = try string(source, member, needed: true) ?? ""
      guard base64.utf8.count / 4 * 3 <= most + 3 else { throw tooLarge(most) }
      guard let data = Data(base64Encoded: base64) else {
        throw SharedSessionError(.invalidField, "'\(place).\(member)' is not base64.")
      }
      bytes = Array(data)
    }
    guard bytes.count <= most else { throw tooLarge(most) }
    guard !bytes.isEmpty else { throw SharedSessionError(.invalidField, "'\(place)' has no bytes.") }
    let mimeType = try mimeType(source) ?? (text == nil ? "application/octet-stream" : "text/plain")
    guard type == "resource" || mimeType.hasPrefix("\(type)/") else {
      throw SharedSessionError(.invalidField, "'\(place).mimeType' must be one of \(type)/...")
    }
    let name = try short(block, "name", most: 256) ?? uri.flatMap(Self.lastPart)
    let shown = JSONText { object in
      object.add("type", type)
      object.add("name", name)
      object.add("mimeType", mimeType)
      object.add("size", bytes.count)
      object.add("sha256", Hexadecimal.encode(SHA256.hash(data: bytes)))
      object.add("index", index)
    }
    let head = JSONText { object in
      object.add("uri", uri)
      if text != nil { object.add("isText", true) }
    }
    var kept = head.bytes
    kept.writeInteger(UInt8(ascii: "\n"))
    kept.writeBytes(bytes)
    return (shown, kept)
  }

  private func tooLarge(_ most: Int) -> SharedSessionError {
    SharedSessionError(.attachmentTooLarge, "'\(place)' is larger than the \(most) bytes an attachment may have.")
  }

  private func string(
    _ object: JSONText, _ name: String, needed: Bool = false
  ) throws(SharedSessionError) -> String? {
    let value = object[name].flatMap { $0.isNull ? nil : $0 }
    guard let text = value?.string else {
      guard value == nil, !needed else {
        throw SharedSessionError(.invalidBody, "'\(place).\(name)' must be a string.")
      }
      return nil
    }
    guard name == "data" || name == "blob" || !text.utf8.contains(0) else {
      throw SharedSessionError(.invalidField, "'\(place).\(name)' must not hold a NUL character.")
    }
    return text
  }

  /// A text of one line that people read.
  private func short(
    _ object: JSONText, _ name: String, most: Int = 2_048, needed: Bool = false
  ) throws(SharedSessionError) -> String? {
    guard let text = try string(object, name, needed: needed) else { return nil }
    let isVisible = text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    guard text.unicodeScalars.count <= most, isVisible, !(needed && text.isEmpty) else {
      throw SharedSessionError(
        .invalidField, "'\(place).\(name)' must be 1 to \(most) characters long, without control characters.")
    }
    return text.isEmpty ? nil : text
  }

  private func mimeType(_ object: JSONText) throws(SharedSessionError) -> String? {
    guard let text = try short(object, "mimeType", most: 127)?.lowercased() else { return nil }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    let isToken = { (part: Substring) in
      !part.isEmpty
        && part.utf8.allSatisfy {
          (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            || "!#$&^_.+-".utf8.contains($0)
        }
    }
    guard parts.count == 2, parts.allSatisfy(isToken) else {
      throw SharedSessionError(.invalidField, "'\(place).mimeType' must be a type and a subtype, as text/plain.")
    }
    return text
  }

  private static func lastPart(of uri: String) -> String? {
    uri.split { $0 == "/" || $0 == "\\" }.last.map { String($0.prefix(256)) }
  }
}
