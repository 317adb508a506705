import AgentBridge
import Testing

@testable import tandem

/// Values that are right by themselves and wrong together: refused by naming the keys, one step beyond what is possible,
/// and taken at the last value that is.
@Suite struct ConfigurationRuleTests {
  struct Contradiction: Sendable, CustomTestStringConvertible {
    /// The keys the sentence names.
    let names: [String]
    /// Values at which everything still works.
    let possible: [String: String]
    /// What makes it a contradiction.
    let beyond: [String: String]

    var testDescription: String { names.joined(separator: " and ") }
  }

  @Test(arguments: [
    Contradiction(
      names: ["limits.prompt", "limits.body"], possible: ["limits.body": "128KiB", "limits.prompt": "127KiB"],
      beyond: ["limits.prompt": "130049"]),
    Contradiction(
      names: ["limits.messageText", "limits.body"], possible: ["limits.messageText": "255KiB"],
      beyond: ["limits.messageText": "261121"]),
    Contradiction(
      names: ["limits.sessionsPerStream", "limits.headers"], possible: ["limits.sessionsPerStream": "102"],
      beyond: ["limits.sessionsPerStream": "103"]),
    Contradiction(
      names: ["limits.body", "limits.redisBytes"],
      possible: ["limits.redisBytes": "8MiB", "limits.attachment": "1KiB", "limits.body": "8188KiB"],
      beyond: ["limits.body": "8MiB"]),
    Contradiction(
      names: ["limits.notification", "limits.redisReply"],
      possible: ["limits.redisReply": "16MiB", "limits.notification": "16380KiB"],
      beyond: ["limits.notification": "16MiB"]),
    Contradiction(
      names: ["events.pageBytes", "limits.redisReply"],
      possible: ["limits.redisReply": "16MiB", "events.pageBytes": "16320KiB"],
      beyond: ["events.pageBytes": "16MiB"]),
    Contradiction(
      names: ["limits.notification", "limits.redisBytes"],
      possible: ["limits.redisBytes": "8MiB", "limits.attachment": "1KiB", "limits.notification": "8188KiB"],
      beyond: ["limits.notification": "8MiB"]),
    Contradiction(
      names: ["limits.notification", "events.retainedBytes"], possible: ["events.retainedBytes": "4MiB"],
      beyond: ["events.retainedBytes": "4194303"]),
    Contradiction(
      names: ["limits.messageText", "limits.messageBytes"],
      possible: ["limits.messageBytes": "64KiB", "limits.messageText": "60KiB"],
      beyond: ["limits.messageText": "61441"]),
    Contradiction(
      names: ["limits.prompt", "limits.approvalBytes"], possible: ["limits.approvalBytes": "132KiB"],
      beyond: ["limits.approvalBytes": "135167"]),
    Contradiction(
      names: ["limits.toolCall", "limits.approvalBytes"],
      possible: ["limits.prompt": "1KiB", "limits.approvalBytes": "132KiB"],
      beyond: ["limits.approvalBytes": "135167"]),
    Contradiction(
      names: ["limits.question", "limits.approvalBytes"],
      possible: ["limits.question": "64KiB", "limits.approvalBytes": "196KiB"],
      beyond: ["limits.approvalBytes": "200703"]),
    Contradiction(
      names: ["limits.prompt", "limits.answerBytes"], possible: ["limits.answerBytes": "68KiB"],
      beyond: ["limits.answerBytes": "69631"]),
    Contradiction(
      names: [
        "redisMaxMemory", "events.retainedBytes", "limits.messageBytes", "limits.approvalBytes", "limits.answerBytes",
        "limits.attachmentBytes",
      ], possible: ["redisMaxMemory": "251658241"], beyond: ["redisMaxMemory": "240MiB"]),
    Contradiction(
      names: ["limits.attachment", "limits.attachments", "limits.redisBytes"],
      possible: ["limits.attachment": "1MiB", "limits.redisBytes": "8196KiB"],
      beyond: ["limits.redisBytes": "8392703"]),
    Contradiction(
      names: ["limits.attachment", "limits.attachments", "limits.attachmentBytes"],
      possible: ["limits.attachment": "1MiB", "limits.attachmentBytes": "8196KiB"],
      beyond: ["limits.attachmentBytes": "8392703"]),
    Contradiction(
      names: ["limits.attachment", "limits.attachments", "limits.uploadBytes"],
      possible: ["limits.attachment": "3KiB", "limits.attachments": "1", "limits.uploadBytes": "1MiB"],
      beyond: ["limits.attachment": "1MiB"]),
    Contradiction(
      names: ["stream.heartbeat", "read time-out of tandem host"], possible: ["stream.heartbeat": "20s"],
      beyond: ["stream.heartbeat": "20001ms"]),
    Contradiction(
      names: ["sweeper.interval", "session.retention"],
      possible: ["sweeper.interval": "1999ms", "session.retention": "2s"], beyond: ["sweeper.interval": "2s"]),
    Contradiction(
      names: ["sweeper.interval", "dispatch.lease"],
      possible: ["sweeper.interval": "2s", "dispatch.lease": "2s"], beyond: ["sweeper.interval": "2001ms"]),
    Contradiction(
      names: ["limits.streamsPerNode", "limits.connections"],
      possible: ["limits.streamsPerNode": "99", "limits.connections": "100"],
      beyond: ["limits.streamsPerNode": "100"]),
  ])
  func boundsThatContradictEachOtherStopTheStart(contradiction: Contradiction) throws {
    #expect(try problems(flags: contradiction.possible) == [])
    let found = try problems(flags: contradiction.possible.merging(contradiction.beyond) { $1 })
    #expect(found.contains { problem in contradiction.names.allSatisfy(problem.contains) }, "\(found)")
  }

  @Test func everyRuleAboutBoundsIsTried() {
    // One argument above per rule: a new rule needs a new one.
    #expect(ConfigurationRule.bounds.count == 21)
  }

  @Test func aBoundOfThePrivateServerConcernsNoOther() throws {
    #expect(try problems(flags: ["redisMaxMemory": "16MiB"]).count == 1)
    #expect(try problems(flags: ["redisMaxMemory": "16MiB", "redis": "redis://redis.example"]) == [])
    #expect(try problems(flags: ["redisMaxMemory": "0"]) == [])
  }

  @Test func aBridgeReadsTheLargestNotificationThatCanBeConfigured() throws {
    guard case .bytes(let range) = try #require(ConfigurationKey.named("limits.notification")).kind else {
      Issue.record("limits.notification is no number of bytes")
      return
    }
    #expect(range.upperBound + ConfigurationRule.aroundRecord <= BridgeConfiguration.defaultEventBytes)
  }

  @Test func aReplyOfTheDomainAlwaysFitsIntoOneOfRedis() throws {
    // The domain fills its replies up to 4 MiB of messages, and as much of approvals.
    guard case .bytes(let range) = try #require(ConfigurationKey.named("limits.redisReply")).kind else {
      Issue.record("limits.redisReply is no number of bytes")
      return
    }
    #expect(range.lowerBound >= 2 * (4 << 20))
  }
}
