internal import Basics
public import Logging

/// The id of the request that a task works for: in each of its log lines, and in the header of its answer.
///
/// Isolation: a task local, which child tasks and tasks made by `Task {}` inherit.
public enum RequestID {
  /// The id, or nil outside of requests.
  @TaskLocal public static var current: String?

  /// The most characters of an id that a client or a proxy has chosen.
  public static let longest = 64

  /// A new one: 16 random hexadecimal digits.
  public static func new() -> String {
    withUnsafeBytes(of: UInt64.random(in: .min ... .max)) { Hexadecimal.encode($0) }
  }

  /// Whether a text may be one: letters, digits and `._-`, so that it is the same in every log and header.
  public static func isWellFormed(_ text: String) -> Bool {
    (1...longest).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }

  /// Adds the id to a log handler's lines.
  public static let metadata = Logger.MetadataProvider {
    current.map { [LogKey.requestID: .string($0)] } ?? [:]
  }
}
