/// Some of the ASCII characters; an immutable value.
struct ByteSet: Sendable, Hashable {
  private let low: UInt64
  private let high: UInt64

  /// The letters, digits and signs of a string.
  init(_ characters: String) {
    var (low, high): (UInt64, UInt64) = (0, 0)
    for byte in characters.utf8 where byte < 128 {
      if byte < 64 { low |= 1 << UInt64(byte) } else { high |= 1 << UInt64(byte - 64) }
    }
    (self.low, self.high) = (low, high)
  }

  @inline(__always)
  func contains(_ byte: UInt8) -> Bool {
    if byte < 64 { return low & (1 << UInt64(byte)) != 0 }
    return byte < 128 && high & (1 << UInt64(byte - 64)) != 0
  }

  private static let digits = "0123456789"
  private static let capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
  private static let letters = capitals + "abcdefghijklmnopqrstuvwxyz"

  static let capitalsAndDigits = ByteSet(capitals + digits)
  static let alphanumeric = ByteSet(letters + digits)
  /// What a word of a program is made of; also base64 for URLs.
  static let word = ByteSet(letters + digits + "_-")
  /// What a name such as `spring.datasource.password` is made of.
  static let name = ByteSet(letters + digits + "_-.")
  /// What tokens in headers are made of.
  static let token = ByteSet(letters + digits + "_-.~+/=")
  static let space = ByteSet(" \t")
  static let quotes = ByteSet("\"'`")
  /// What ends a value that isn't in quotes.
  static let valueEnd = ByteSet(" \t\r\n\u{C},;)]}\"'`<>&|\\")
  /// What may follow the first character of a sign of two, `:=` or `=>`.
  static let signs = ByteSet("=>")
  /// What begins a text that stands for a value: `$NAME`, `<your key>`, `{{ key }}`, `***`, `[removed: ...]`.
  static let placeholders = ByteSet("$<{%*[")
  static let dash = ByteSet("-")
  /// What the label of a key's block is made of.
  static let label = ByteSet(capitals + digits + " ")
  /// What ends the part of a URL in which a user's name and password stand.
  static let userEnd = ByteSet("/?# \t\r\n\u{C}\"'`<>\\")
}
