internal import JSONText
internal import NIOCore

/// What a person calls a participant: the display name, or without one the user id. A value.
struct ParticipantName: Sendable, Hashable {
  let text: String

  /// Reads a participant's record; nil when it is none.
  init?(record: String) {
    guard let fields = try? JSONText(validating: ByteBuffer(string: record)),
      let text = fields["displayName"]?.string ?? fields["userId"]?.string
    else { return nil }
    self.text = text
  }
}
