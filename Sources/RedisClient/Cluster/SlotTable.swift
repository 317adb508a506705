/// Which primary has which slot. A value; looked at for every command, so it is a plain table.
struct SlotTable: Sendable, Hashable {
  private static let nobody = UInt16.max

  /// Every primary with a slot.
  private(set) var primaries: [RedisEndpoint] = []
  private var owners = [UInt16](repeating: nobody, count: HashSlot.count)

  /// What several nodes say, slot by slot.
  ///
  /// - Parameters:
  ///   - answers: of the nodes that answered.
  ///   - needed: how many of them must name the same primary of a slot.
  ///   - former: keeps the slots that they do not agree on.
  init(agreedBy answers: [ClusterAnswer], needed: Int, former: SlotTable?) {
    var bounds: Set<Int> = [0]
    for share in answers.lazy.flatMap(\.shares) {
      bounds.insert(share.slots.lowerBound)
      bounds.insert(share.slots.upperBound + 1)
    }
    let starts = bounds.filter { $0 < HashSlot.count }.sorted()
    for (index, start) in starts.enumerated() {
      let end = index + 1 < starts.count ? starts[index + 1] : HashSlot.count
      var votes: [RedisEndpoint?: Int] = [:]
      for answer in answers { votes[answer.primary(of: start), default: 0] += 1 }
      if let agreed = votes.first(where: { $0.value >= needed }) {
        let owner = agreed.key.map { self.index(of: $0) } ?? Self.nobody
        for slot in start..<end { owners[slot] = owner }
      } else if let former {
        for slot in start..<end { owners[slot] = former.owner(of: slot).map { self.index(of: $0) } ?? Self.nobody }
      }
    }
  }

  /// The primary of a slot; nil when nobody has it.
  func owner(of slot: Int) -> RedisEndpoint? {
    let index = owners[slot]
    return index == Self.nobody ? nil : primaries[Int(index)]
  }

  /// The place of a slot's primary in `primaries`; nil when nobody has it.
  func ownerIndex(of slot: Int) -> Int? {
    let index = owners[slot]
    return index == Self.nobody ? nil : Int(index)
  }

  /// One slot is somewhere else.
  mutating func move(_ slot: Int, to primary: RedisEndpoint) { owners[slot] = index(of: primary) }

  /// Leaves out primaries without a slot.
  mutating func forgetIdle() {
    let used = Set(owners)
    guard primaries.indices.contains(where: { !used.contains(UInt16($0)) }) else { return }
    var places: [UInt16: UInt16] = [Self.nobody: Self.nobody]
    var kept: [RedisEndpoint] = []
    for (index, primary) in primaries.enumerated() where used.contains(UInt16(index)) {
      places[UInt16(index)] = UInt16(kept.count)
      kept.append(primary)
    }
    primaries = kept
    owners = owners.map { places[$0] ?? Self.nobody }
  }

  /// How many slots nobody has.
  var uncovered: Int { owners.count { $0 == Self.nobody } }

  private mutating func index(of primary: RedisEndpoint) -> UInt16 {
    if let index = primaries.firstIndex(of: primary) { return UInt16(index) }
    primaries.append(primary)
    return UInt16(primaries.count - 1)
  }
}
