/// Which entries are worked on and which wait, so that a slow one holds up no others. A value.
struct SweepPool<Entry: Sendable> {
  /// Entries that are worked on at a time.
  let atOnce: Int
  private let name: @Sendable (Entry) -> String
  private var running: Set<String> = []
  private var waiting: [Entry] = []

  /// - Parameter name: what tells an entry from others.
  init(atOnce: Int, name: @escaping @Sendable (Entry) -> String) {
    self.atOnce = atOnce
    self.name = name
  }

  /// Whether more entries should be taken: those that wait here are not worked on by other nodes either.
  var hasRoom: Bool { waiting.isEmpty }

  /// Takes entries up.
  ///
  /// - Returns: those to be begun now. One that is worked on already, since its claim ran out, is not begun again.
  mutating func add(_ entries: [Entry]) -> [Entry] {
    var begun: [Entry] = []
    for entry in entries {
      if running.count >= atOnce {
        waiting.append(entry)
      } else if running.insert(name(entry)).inserted {
        begun.append(entry)
      }
    }
    return begun
  }

  /// An entry is done with.
  ///
  /// - Returns: the one to begin instead, if one waits.
  mutating func finish(_ entry: Entry) -> Entry? {
    running.remove(name(entry))
    while !waiting.isEmpty {
      let next = waiting.removeFirst()
      if running.insert(name(next)).inserted { return next }
    }
    return nil
  }
}
