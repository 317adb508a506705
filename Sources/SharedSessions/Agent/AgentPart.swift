/// The parts of what a session keeps of its agent, by the names of their fields in Redis.
///
/// Each is JSON on one line, as it is sent; one that was cut to fit begins with a blank. An empty text says that there is none.
enum AgentPart: String, Sendable, CaseIterable {
  case name = "agent:name"
  case version = "agent:version"
  /// ACP's `agentCapabilities`.
  case capabilities = "agent:capabilities"
  /// The current mode's id.
  case mode = "agent:mode"
  /// ACP's `availableModes`.
  case modes = "agent:modes"
  /// ACP's `configOptions`.
  case options = "agent:options"
  /// ACP's `availableCommands`.
  case commands = "agent:commands"
  /// The last `usage_update` without its type.
  case usage = "agent:usage"
  case title = "agent:title"
  /// The entries of the last `plan`.
  case plan = "agent:plan"
  /// The modes' ids as `control_submit.lua` looks them up: a tab before and behind each, as JSON. Not sent.
  case modeIDs = "agent:modeIds"
  /// The options' ids with the values each can have, likewise: `\u{1E}` before each id, tabs around the values. Not sent.
  case optionValues = "agent:optionValues"
}
