import SharedSessions
import Testing

@testable import EventStreaming

/// Events that no message brought, and events that are gone.
@Suite struct StreamRepairTests {
  @Test func aSubscriptionThatLosesEventsIsRepairedWhenItIsRestored() async throws {
    try await withNode { node in
      let client = try await node.open()
      node.source.setDeaf(true)
      for _ in 0..<3 { node.source.append() }
      node.source.setDeaf(false)
      node.source.restore()
      try await client.expect([1, 2, 3])
      node.source.append()
      try await client.expect([1, 2, 3, 4])
    }
  }

  @Test func aSubscriptionThatIsSilentlyDeafIsFoundByComparison() async throws {
    try await withNode({ $0.comparison = .milliseconds(20) }) { node in
      let client = try await node.open()
      node.source.setDeaf(true)
      for _ in 0..<3 { node.source.append() }
      try await client.expect([1, 2, 3])
    }
  }

  @Test func aRepairThatFailsIsTriedAgain() async throws {
    try await withNode { node in
      let client = try await node.open()
      node.source.setDeaf(true)
      node.source.append()
      node.source.setDown(true)
      node.source.restore()
      node.source.setDown(false)
      try await client.expect([1])
    }
  }

  @Test func eventsThatAreGoneForGoodEndTheStreamsSoThatTheyResume() async throws {
    try await withNode { node in
      for _ in 0..<3 { node.source.append() }
      let client = try await node.open(.live, authorized: 3)
      node.source.setDeaf(true)
      for _ in 0..<3 { node.source.append() }
      node.source.trim(5)
      node.source.restore()
      #expect(await client.serving.value)
      node.source.setDeaf(false)
      let next = try await node.open(.live, authorized: 6)
      node.source.append()
      try await next.expect([7])
    }
  }
}
