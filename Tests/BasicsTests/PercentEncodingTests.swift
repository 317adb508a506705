import Testing

@testable import Basics

struct PercentEncodingTests {
  @Test(arguments: [
    ("", ""), ("plain", "plain"), ("a%20b", "a b"), ("a+b", "a+b"), ("%C3%a9", "é"), ("%2525", "%25"), ("%00", "\0"),
  ])
  func escapesAreDecodedOnce(_ text: String, _ decoded: String) throws {
    #expect(try PercentEncoding.decode(text[...]) == decoded)
  }

  @Test func aPlusIsASpaceWhereAFormSaysSo() throws {
    #expect(try PercentEncoding.decode("a+b%2B", plusIsSpace: true) == "a b+")
  }

  @Test(arguments: ["%", "%2", "a%zz", "%+F", "% 1", "%é"])
  func aBrokenEscapeIsOne(_ text: String) {
    #expect(throws: PercentEncoding.Failure.brokenEscape) { try PercentEncoding.decode(text[...]) }
  }

  @Test(arguments: ["%FF", "%C3", "%ED%A0%80"])
  func whatIsNoUTF8IsNot(_ text: String) {
    #expect(throws: PercentEncoding.Failure.notUTF8) { try PercentEncoding.decode(text[...]) }
  }
}
