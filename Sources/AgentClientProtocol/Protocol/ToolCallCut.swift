public import JSONText

/// Says that a tool call isn't all there, so that nobody approves what they could not read; an immutable value.
///
/// The marks travel in the tool call itself: `"_meta": {"tandem": {"cut": [{"field": "rawInput", "bytes": 12345}]}}`.
public struct ToolCallCut: Sendable, Hashable {
  /// The field that is missing, or of which a part is missing.
  public let field: String
  /// How many bytes are missing.
  public let bytes: Int

  /// A mark.
  public init(field: String, bytes: Int) {
    self.field = field
    self.bytes = bytes
  }

  /// Most marks that are read; there are fewer fields.
  private static let maximumCount = 64

  /// What is missing of a tool call.
  public static func cuts(of toolCall: JSONText) -> [ToolCallCut] {
    let marks = toolCall["_meta"]?["tandem"]?["cut"]?.elements ?? []
    return marks.prefix(maximumCount).compactMap { mark in
      guard let field = mark["field"]?.string else { return nil }
      return ToolCallCut(field: field, bytes: Int(clamping: mark["bytes"]?.integer ?? 0))
    }
  }

  /// The tool call with these marks instead of any others; everything else in it stays as it is.
  public static func mark(_ cuts: [ToolCallCut], in toolCall: JSONText) -> JSONText {
    guard !cuts.isEmpty else { return toolCall }
    return JSONText { object in
      for (name, value) in toolCall.members where name != "_meta" { object.add(name, value) }
      object.add("_meta") { meta in
        for (name, value) in toolCall["_meta"]?.members ?? [] where name != "tandem" { meta.add(name, value) }
        meta.add("tandem") { $0.add("cut", JSONText(array: cuts.map(\.json))) }
      }
    }
  }

  private var json: JSONText {
    JSONText {
      $0.add("field", field)
      $0.add("bytes", bytes)
    }
  }
}
