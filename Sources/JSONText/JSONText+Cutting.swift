import NIOCore

extension JSONText {
  /// The beginning of an array, as far as it fits.
  ///
  /// - Parameters:
  ///   - maximumCount: elements at most.
  ///   - maximumBytes: bytes of the text, brackets and commas included.
  ///   - isWanted: elements for which it is false are left out and count as not there.
  /// - Returns: an array of whole elements, each byte for byte, and whether some that were wanted did not fit.
  public func cut(
    maximumCount: Int, maximumBytes: Int, where isWanted: (JSONText) -> Bool = { _ in true }
  ) -> (array: JSONText, isCut: Bool) {
    var kept: [JSONText] = []
    var bytes = 2
    for element in elements where isWanted(element) {
      bytes += element.bytes.readableBytes + (kept.isEmpty ? 0 : 1)
      guard kept.count < maximumCount, bytes <= maximumBytes else { return (JSONText(array: kept), true) }
      kept.append(element)
    }
    return (JSONText(array: kept), false)
  }
}
