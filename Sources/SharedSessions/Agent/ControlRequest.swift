public import JSONText

/// The body of `POST .../controls`, form already checked: how the agent should work from now on. A value.
public enum ControlRequest: Sendable, Hashable {
  /// In the mode of this id.
  case mode(String)
  /// With the option of this id set to a value: a string, or true or false.
  case option(String, value: JSONText)

  /// The longest id and value that is taken, in characters: an agent's longer ones cannot be chosen.
  public static let longestID = AgentChanges.longestID

  /// The contract's word for it.
  var kind: String {
    switch self {
    case .mode: "mode"
    case .option: "option"
    }
  }

  /// The option's id; nil of a mode.
  var optionID: String? {
    switch self {
    case .mode: nil
    case .option(let id, _): id
    }
  }

  /// The mode's id or the option's value, written as `AgentChanges` writes what an agent offers.
  var value: JSONText {
    switch self {
    case .mode(let id): JSONText(string: id)
    case .option(_, let value): value.string.map { JSONText(string: $0) } ?? value
    }
  }

  /// What is to be done, for whoever knows nothing of controls.
  var sentence: String {
    switch self {
    case .mode(let id): "Set the agent's mode to \(id)."
    case .option(let id, let value): "Set the agent's option \(id) to \(value.string ?? value.description)."
    }
  }
}
