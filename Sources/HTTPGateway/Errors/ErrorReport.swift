import HTTPTypes
import Logging
import Observability

extension Logger {
  /// Any error as the client sees it. One that is the server's is logged, with what the client does not see.
  func rendering(_ error: any Error, method: HTTPRequest.Method, path: Substring) -> GatewayError {
    let rendered = GatewayError(rendering: error)
    if rendered.status >= 500 {
      self.error(
        "request failed",
        metadata: [
          LogKey.method: "\(method.rawValue)", LogKey.path: "\(path)", LogKey.code: "\(rendered.code)",
          LogKey.error: "\(error)",
        ])
    }
    return rendered
  }
}
