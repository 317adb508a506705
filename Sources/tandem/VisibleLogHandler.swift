import AgentBridge
import Basics
import Logging

/// Keeps a log that goes to a terminal from being obeyed by it: what an agent or a server has said stands in its lines.
///
/// Isolation: a value; the handler it passes lines on to guards itself.
struct VisibleLogHandler<Wrapped: LogHandler>: LogHandler {
  private var wrapped: Wrapped

  init(_ wrapped: Wrapped) {
    self.wrapped = wrapped
  }

  var logLevel: Logger.Level {
    get { wrapped.logLevel }
    set { wrapped.logLevel = newValue }
  }

  var metadata: Logger.Metadata {
    get { wrapped.metadata }
    set { wrapped.metadata = newValue.mapValues(Self.visible) }
  }

  var metadataProvider: Logger.MetadataProvider? {
    get { wrapped.metadataProvider }
    set { wrapped.metadataProvider = newValue }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { wrapped[metadataKey: key] }
    set { wrapped[metadataKey: key] = newValue.map(Self.visible) }
  }

  func log(event: LogEvent) {
    var shown = event
    shown.message = "\(VisibleText.show("\(event.message)", keepsLines: false))"
    shown.metadata = event.metadata?.mapValues(Self.visible)
    wrapped.log(event: shown)
  }

  private static func visible(_ value: Logger.Metadata.Value) -> Logger.Metadata.Value {
    .string(VisibleText.show("\(value)", keepsLines: false))
  }
}
