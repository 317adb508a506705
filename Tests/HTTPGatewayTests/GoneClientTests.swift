import NIOCore
import Testing

@testable import HTTPGateway

@Suite struct GoneClientTests {
  /// As when 100 Continue is written to a connection that was reset: else each such client would be an error in the log.
  @Test func aClientThatGoesAwayInTheMiddleOfItsRequestIsNoErrorOfTheServer() {
    let errors: [any Error] = [
      ChannelError.ioOnClosedChannel, ChannelError.eof, IOError(errnoCode: 104, reason: "reset by peer"),
    ]
    for error in errors { #expect(GatewayError(rendering: error).status == 400) }
    struct Unknown: Error {}
    #expect(GatewayError(rendering: Unknown()).status == 500)
  }
}
