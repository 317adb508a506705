internal import Basics
internal import Crypto
internal import Foundation

/// Ids and tokens: how they are made and in which form they are kept.
public enum Secrets {
  /// A UUID v4 in lower case with dashes.
  public static func newID() -> String { UUID().uuidString.lowercased() }

  /// A bearer token: 32 bytes from the system's generator, base64url without padding (43 characters).
  public static func newToken() -> String {
    base64URL(SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) })
  }

  /// What Redis keeps of a token: its SHA-256 in lower-case hexadecimal.
  public static func digest(_ text: String) -> String { Hexadecimal.encode(SHA256.hash(data: Data(text.utf8))) }

  /// SHA-256 over several texts, each preceded by its length so that no two lists collide.
  static func digest(of parts: [some Collection<UInt8>]) -> [UInt8] {
    var hash = SHA256()
    for part in parts {
      withUnsafeBytes(of: UInt64(part.count).bigEndian) { hash.update(bufferPointer: $0) }
      hash.update(data: Array(part))
    }
    return Array(hash.finalize())
  }

  /// A UUID v4 made from a digest, so that a repeated request finds what the first one made.
  static func id(from digest: [UInt8]) -> String {
    var b = Array(digest.prefix(16))
    b[6] = b[6] & 0x0f | 0x40
    b[8] = b[8] & 0x3f | 0x80
    let text = Hexadecimal.encode(b)
    var parts: [Substring] = []
    var rest = text[...]
    for length in [8, 4, 4, 4, 12] {
      parts.append(rest.prefix(length))
      rest = rest.dropFirst(length)
    }
    return parts.joined(separator: "-")
  }

  private static func base64URL(_ data: Data) -> String {
    data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  /// Whether a text has the form of an id the service makes: a lower-case UUID.
  public static func isID(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard bytes.count == 36 else { return false }
    return bytes.enumerated().allSatisfy { index, byte in
      switch index {
      case 8, 13, 18, 23: byte == UInt8(ascii: "-")
      default:
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
      }
    }
  }
}
