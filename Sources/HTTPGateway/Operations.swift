public import NIOCore

/// Why the service cannot work now. A value.
public struct ProbeFailure: Error, Sendable {
  /// What failed, as the beginning of a sentence; without addresses, because anybody may ask.
  public var part: String

  /// A failure of a part.
  public init(part: String) { self.part = part }
}

/// What the program tells about itself. A value.
public struct Operations: Sendable {
  /// The program's version.
  public var version: String
  /// Checks that Redis takes a write, answers a read and delivers a message within a time; throws when it does not.
  ///
  /// - Returns: the share of its primaries, from 0 to 1, that do not while others do.
  public var probe: @Sendable (_ limit: Duration) async throws -> Double
  /// The metrics as Prometheus text.
  public var metrics: @Sendable () -> ByteBuffer

  /// Gathers the parts.
  public init(
    version: String, probe: @escaping @Sendable (_ limit: Duration) async throws -> Double,
    metrics: @escaping @Sendable () -> ByteBuffer
  ) {
    self.version = version
    self.probe = probe
    self.metrics = metrics
  }
}
