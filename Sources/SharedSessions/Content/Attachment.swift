internal import Foundation
public import JSONText
public import NIOCore

/// One attachment with its bytes. A value.
public struct Attachment: Sendable {
  /// The block as it is shown: kind, name, type, size, digest.
  public let shown: JSONText
  /// The bytes.
  public let bytes: ByteBuffer
  private let head: JSONText

  /// Takes apart what is kept of an attachment; nil for what is none.
  init?(shown: JSONText, kept: ByteBuffer) {
    var kept = kept
    guard let end = kept.readableBytesView.firstIndex(of: UInt8(ascii: "\n")),
      let line = kept.readSlice(length: end - kept.readerIndex), let head = try? JSONText(validating: line)
    else { return nil }
    kept.moveReaderIndex(forwardBy: 1)
    (self.shown, self.head, bytes) = (shown, head, kept)
  }

  /// What the attachment is called, where it has a name.
  public var name: String? { shown["name"]?.string }
  /// Its type.
  public var mimeType: String { shown["mimeType"]?.string ?? "application/octet-stream" }

  /// The block as an agent takes it.
  var block: JSONText {
    let type = shown["type"]?.string ?? "resource"
    let data = Data(bytes.readableBytesView).base64EncodedString()
    return JSONText { object in
      object.add("type", type)
      guard type == "resource" else {
        object.add("data", data)
        object.add("mimeType", mimeType)
        object.add("uri", head["uri"])
        return
      }
      object.add("resource") { resource in
        resource.add("uri", head["uri"])
        resource.add("mimeType", mimeType)
        if head["isText"]?.bool == true {
          resource.add("text", String(buffer: bytes))
        } else {
          resource.add("blob", data)
        }
      }
    }
  }
}
