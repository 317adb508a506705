internal import Basics
internal import Crypto
internal import Foundation
public import JSONText
internal import NIOCore

/// A prompt made of blocks (ACP content blocks), checked: what everybody is shown of each, and apart from that the bytes of
/// its attachments. A value.
public struct PromptContent: Sendable {
  /// What blocks may hold.
  public struct Limits: Sendable, Hashable {
    /// Bytes of one attachment.
    public var attachment = 2 << 20
    /// Attachments of one prompt.
    public var attachments = 8
    /// Bytes of all texts and links together.
    public var text = 64 * 1_024

    /// The defaults.
    public init() {}
  }

  /// Most blocks of one prompt.
  public static let mostBlocks = 64

  /// One attachment.
  struct File: Sendable {
    /// The block's place, counted from 0.
    let index: Int
    /// What is kept of it: a line with what its block has beside the bytes, and the bytes.
    let kept: ByteBuffer
  }

  /// `content` of the approval: the blocks in order, attachments by name, type, size and digest.
  public let shown: JSONText
  /// The text blocks, joined by blank lines.
  public let prompt: String
  /// The attachments.
  let files: [File]
  /// The kinds of blocks that an agent has to be able to take, in order.
  let kinds: [String]

  /// What whoever decides says they were shown: the SHA-256 of the blocks as they are shown, in canonical JSON (RFC 8785).
  var hash: String { Self.hash(of: shown) }

  static func hash(of shown: JSONText) -> String {
    Hexadecimal.encode(SHA256.hash(data: Data(shown.canonical().bytes.readableBytesView)))
  }

  /// Reads blocks.
  ///
  /// - Throws: `INVALID_BODY`, `INVALID_FIELD`, `EMPTY_PROMPT`, `ATTACHMENT_TOO_LARGE`.
  public init(_ blocks: [JSONText], _ limits: Limits) throws(SharedSessionError) {
    guard (1...Self.mostBlocks).contains(blocks.count) else {
      throw SharedSessionError(
        blocks.isEmpty ? .emptyPrompt : .invalidField,
        blocks.isEmpty ? nil : "'content' holds \(blocks.count) blocks; at most \(Self.mostBlocks) are taken.")
    }
    var (shown, texts, files, kinds): ([JSONText], [String], [File], [String]) = ([], [], [], [])
    var room = limits.text
    for (index, block) in blocks.enumerated() {
      let reader = ContentBlock(block, index)
      switch try reader.type {
      case "text":
        let text = try reader.text()
        texts.append(text)
        shown.append(
          JSONText {
            $0.add("type", "text"); $0.add("text", text)
          })
        room -= text.utf8.count
      case "resource_link":
        let link = try reader.link()
        shown.append(link)
        room -= link.bytes.readableBytes
      case let type:
        guard files.count < limits.attachments else {
          throw SharedSessionError(.invalidField, "'content' holds more than \(limits.attachments) attachments.")
        }
        let file = try reader.attachment(type, most: limits.attachment)
        files.append(File(index: index, kept: file.kept))
        shown.append(file.shown)
        if !kinds.contains(type) { kinds.append(type) }
      }
    }
    guard room >= 0 else {
      throw SharedSessionError(
        .invalidField,
        "The texts and links of 'content' have \(limits.text - room) bytes; at most \(limits.text) are taken.")
    }
    guard !files.isEmpty || texts.contains(where: { !FieldRules.isBlank($0) }) else {
      throw SharedSessionError(.emptyPrompt, "A prompt needs some text, or an attachment.")
    }
    self.shown = JSONText(array: shown)
    (prompt, self.files, self.kinds) = (texts.joined(separator: "\n\n"), files, kinds)
  }

  /// The blocks as they are kept when an edit leaves some out.
  ///
  /// - Throws: `INVALID_FIELD` for a block that there is not, and when nothing would be left.
  static func dropping(
    _ dropped: Set<Int>, of content: JSONText, keepsText: Bool
  ) throws(SharedSessionError) -> JSONText {
    let blocks = content.elements
    guard let most = dropped.max(), most < blocks.count else {
      throw SharedSessionError(.invalidField, "'dropContent' names a block that the prompt does not have.")
    }
    guard keepsText || dropped.count < blocks.count else {
      throw SharedSessionError(.invalidField, "'dropContent' leaves nothing of the prompt; reject it instead.")
    }
    return JSONText(
      array: blocks.enumerated().map { index, block in
        guard dropped.contains(index), block["dropped"] == nil else { return block }
        return JSONText { object in
          for (name, value) in block.members { object.add(name, value) }
          object.add("dropped", true)
        }
      })
  }
}
