import NIOCore
import Testing

@testable import EventStreaming

@Suite struct PageSizeTests {
  @Test func pagesGrowWhileTheyAreSmall() {
    var size = PageSize()
    for _ in 0..<10 { size.read(page(1...3)) }
    #expect(size.limit == PageSize.largest)
    var large = event(1)
    large.json = ByteBuffer(repeating: 120, count: PageSize.manyBytes + 1)
    size.read(StreamPage(events: [large], isLast: false))
    #expect(size.limit == PageSize.smallest)
    size.read(nothingMore)
    size.failed()
    #expect(size.limit == PageSize.smallest)
  }
}
