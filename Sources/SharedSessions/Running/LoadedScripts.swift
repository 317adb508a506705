internal import RedisClient
import Synchronization

/// Sendable, a mutex inside: the scripts as this node's settings make them, each put together when it is first run.
final class LoadedScripts: Sendable {
  private struct Key: Hashable {
    let name: String
    let isRepeatable: Bool
  }

  private let scripts = Mutex<[Key: RedisScript]>([:])

  /// A form of a script, ready to be sent.
  func script(_ script: DomainScript, isRepeatable: Bool, _ settings: SharedSessionSettings) -> RedisScript {
    scripts.withLock { scripts in
      let key = Key(name: script.name, isRepeatable: isRepeatable)
      if let known = scripts[key] { return known }
      let made = script.script(script.form(isRepeatable: isRepeatable), settings)
      scripts[key] = made
      return made
    }
  }
}
