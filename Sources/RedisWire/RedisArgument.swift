public import NIOCore

/// One argument of a command. A value; it is written to the wire as a length-prefixed string, so any byte may be in it.
public enum RedisArgument: Sendable, Hashable {
  /// UTF-8 text.
  case string(String)
  /// The readable bytes of the buffer.
  case bytes(ByteBuffer)
  /// A number in decimal.
  case integer(Int)
}

extension RedisArgument: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
  /// A literal string as an argument.
  public init(stringLiteral value: String) { self = .string(value) }

  /// A literal number as an argument.
  public init(integerLiteral value: Int) { self = .integer(value) }
}

/// One command with its arguments, not yet encoded. A value.
public struct RedisCommand: Sendable, Hashable {
  /// The command's name, such as `ZADD`.
  public var name: String
  /// Its arguments in order, the subcommand first where there is one.
  public var arguments: [RedisArgument]

  /// A command from a list of arguments: `RedisCommand("SET", "key", .bytes(value), "PX", 500)`.
  public init(_ name: String, _ arguments: RedisArgument...) {
    self.init(name, arguments: arguments)
  }

  /// A command from an array of arguments.
  public init(_ name: String, arguments: [RedisArgument]) {
    self.name = name
    self.arguments = arguments
  }
}
