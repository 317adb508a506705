import Crypto
import Foundation
import JSONText
import NIOCore
import TestSupport
import Testing

@testable import SharedSessions

/// Prompts made of blocks, and what is attached to them.
@Suite struct ContentTests {
  private static let blocks = #"""
    [{"type":"text","text":"Look:","_meta":{"x":1}},{"type":"image","data":"iVBORw==","mimeType":"image/PNG","name":"a.png"},
     {"type":"resource_link","uri":"file:///x","name":"x"},{"type":"text","text":"and fix it"},
     {"type":"resource","resource":{"uri":"file:///dir/n%20otes.md","text":"héllo"}}]
    """#

  private static func content(
    _ text: String = blocks, _ change: (inout PromptContent.Limits) -> Void = { _ in }
  ) throws -> PromptContent {
    var limits = PromptContent.Limits()
    change(&limits)
    return try PromptContent(JSONText(validating: text).elements, limits)
  }

  @Test func attachmentsAreShownByWhatTheyAreAndKeptApart() throws {
    let content = try Self.content()
    #expect(content.prompt == "Look:\n\nand fix it")
    let shown = content.shown.elements
    #expect(shown[0].description == #"{"type":"text","text":"Look:"}"#)
    let bytes = Data([0x89, 0x50, 0x4E, 0x47])
    let digest = SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
    #expect(
      shown[1].description
        == #"{"type":"image","name":"a.png","mimeType":"image/png","size":4,"sha256":"\#(digest)","index":1}"#)
    #expect(shown[2]["uri"]?.string == "file:///x")
    #expect(shown[4]["name"]?.string == "n%20otes.md")
    #expect(shown[4]["mimeType"]?.string == "text/plain")
    #expect(shown[4]["size"]?.integer == 6)
    #expect(content.kinds == ["image", "resource"])
    #expect(content.files.map(\.index) == [1, 4])
    let canonical = #"[{"text":"a","type":"text"}]"#
    let one = try Self.content(#"[{"type":"text","text":"a"}]"#)
    #expect(one.hash == SHA256.hash(data: Data(canonical.utf8)).map { String(format: "%02x", $0) }.joined())
  }

  @Test(arguments: [
    ("[]", ErrorCode.emptyPrompt), (#"[{"type":"text","text":" "}]"#, .emptyPrompt),
    (#"[{"type":"resource_link","uri":"u","name":"n"}]"#, .emptyPrompt), ("[7]", .invalidBody), ("[{}]", .invalidBody),
    (#"[{"type":"video"}]"#, .invalidField), (#"[{"type":"text"}]"#, .invalidBody),
    (#"[{"type":"image","data":"iVBORw==","mimeType":"text/html"}]"#, .invalidField),
    (#"[{"type":"image","data":"not base64!","mimeType":"image/png"}]"#, .invalidField),
    (#"[{"type":"image","data":"","mimeType":"image/png"}]"#, .invalidField),
    (#"[{"type":"image","mimeType":"image/png"}]"#, .invalidBody),
    (#"[{"type":"audio","data":"iVBORw==","mimeType":"audio/x y"}]"#, .invalidField),
    (#"[{"type":"resource","resource":{"text":"x"}}]"#, .invalidBody), (#"[{"type":"resource"}]"#, .invalidBody),
    (#"[{"type":"resource_link","uri":"a\nb","name":"n"}]"#, .invalidField),
    (#"[{"type":"image","data":"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=","mimeType":"image/png"}]"#, .attachmentTooLarge),
    (#"[{"type":"text","text":"01234567890123456789012345678901234567890123456789012345678901234"}]"#, .invalidField),
  ])
  func whatIsNoContentIsRefused(_ blocks: String, _ expected: ErrorCode) throws {
    let error = #expect(throws: SharedSessionError.self) {
      try Self.content(blocks) { ($0.attachment, $0.text) = (16, 64) }
    }
    #expect(error?.code == expected)
  }

  @Test func attachmentsAreCounted() throws {
    let image = #"{"type":"image","data":"iVBORw==","mimeType":"image/png"}"#
    #expect(throws: Never.self) { try Self.content("[\(image),\(image)]") { $0.attachments = 2 } }
    #expect(throws: SharedSessionError.self) { try Self.content("[\(image),\(image),\(image)]") { $0.attachments = 2 } }
  }

  /// A session whose agent takes images and files.
  private func share(_ world: World, takes: [String] = ["image", "resource"]) async throws -> Shared {
    let shared = try await world.share()
    _ = try await world.one.hostSessions.register(
      RegisterHostSession(
        userID: "hana", hostSessionID: shared.hostSessionID, takes: takes, hostToken: shared.hostToken))
    return shared
  }

  private func submit(
    _ world: World, _ shared: Shared, _ who: ParticipantCredentials, _ content: PromptContent, key: String? = nil
  ) async throws(SharedSessionError) -> JSONText {
    let repeatable = key.map {
      IdempotencyRequest(key: $0, route: "POST prompts", caller: who.token, body: content.shown.bytes)
    }
    let body = try await world.one.approvals.submitPrompt(
      shared.id, credentials: who, prompt: content.prompt, content: content, idempotency: repeatable)
    guard let approval = (try? JSONText(validating: body))?["approval"] else {
      throw SharedSessionError(.internalError)
    }
    return approval
  }

  @Test func anAttachmentIsReadByThoseOfTheSessionAndReachesTheAgent() async throws {
    try await withWorld { world in
      let shared = try await share(world)
      let carl = try await world.join(shared, "carl")
      let content = try Self.content()
      let approval = try await submit(world, shared, carl, content, key: "one")
      #expect(try await submit(world, shared, carl, content, key: "one") == approval)
      #expect(approval["content"] == content.shown)
      #expect(approval["prompt"]?.string == content.prompt)
      let id = try need(approval["id"]?.string)
      let found = try await world.two.approvals.attachment(
        shared.id, approvalID: id, block: 1, reader: .participant(carl))
      #expect(found.mimeType == "image/png")
      #expect(found.name == "a.png")
      #expect(Array(found.bytes.readableBytesView) == [0x89, 0x50, 0x4E, 0x47])
      for block in [0, 2, 5] {
        #expect(
          try await code {
            _ = try await world.two.approvals.attachment(shared.id, approvalID: id, block: block, reader: .trusted)
          } == .contentNotFound)
      }
      #expect(
        try await code {
          _ = try await world.one.approvals.resolve(
            shared.id, approvalID: id, credentials: shared.host, action: .approve, reason: nil, editedPrompt: nil,
            promptHash: Secrets.digest(content.prompt))
        } == .promptChanged)
      _ = try await world.one.approvals.resolve(
        shared.id, approvalID: id, credentials: shared.host, action: .approve, reason: nil, editedPrompt: nil,
        promptHash: content.hash)
      try await withBridge(world, shared) { bridge in
        let dispatch = try await bridge.nextDispatch()
        #expect(dispatch["content"] == content.shown)
        let dispatchID = try need(dispatch["dispatchId"]?.string)
        let file = try json(
          await world.two.approvals.block(
            shared.hostSessionID, dispatchID: dispatchID, block: 4, token: shared.hostToken))
        #expect(
          file.description
            == #"{"block":{"type":"resource","resource":{"uri":"file:///dir/n%20otes.md","mimeType":"text/plain","text":"héllo"}}}"#
        )
        let image = try json(
          await world.one.approvals.block(
            shared.hostSessionID, dispatchID: dispatchID, block: 1, token: shared.hostToken))
        #expect(image["block"]?.description == #"{"type":"image","data":"iVBORw==","mimeType":"image/png"}"#)
      }
    }
  }

  @Test func anEditTakesThePlaceOfTheTextsAndDropsBlocks() async throws {
    try await withWorld { world in
      let shared = try await share(world)
      let carl = try await world.join(shared, "carl")
      let id = try need(await submit(world, shared, carl, Self.content())["id"]?.string)
      func approve(_ dropped: Set<Int>, edited: String? = nil) async throws -> JSONText {
        let body = try await world.one.approvals.resolve(
          shared.id, approvalID: id, credentials: shared.host, action: .approve, reason: nil, editedPrompt: edited,
          dropContent: dropped)
        return try need(json(body)["approval"])
      }
      #expect(try await code { _ = try await approve([9]) } == .invalidField)
      #expect(try await code { _ = try await approve([0, 1, 2, 3, 4]) } == .invalidField)
      let approved = try await approve([1, 4], edited: "only this")
      #expect(approved["editedPrompt"]?.string == "only this")
      #expect(approved["content"]?.elements.map { $0["dropped"]?.bool ?? false } == [false, true, false, false, true])
      try await withBridge(world, shared) { bridge in
        let dispatch = try await bridge.nextDispatch()
        #expect(dispatch["prompt"]?.string == "only this")
        #expect(dispatch["isEdited"]?.bool == true)
        #expect(dispatch["content"] == approved["content"])
      }
    }
  }

  @Test func whatTheAgentDoesNotTakeIsRefusedByItsKind() async throws {
    try await withWorld { world in
      let shared = try await share(world, takes: ["image"])
      let viewer = try await world.join(shared, "vera", role: .viewer)
      let carl = try await world.join(shared, "carl")
      let error = await #expect(throws: SharedSessionError.self) {
        _ = try await submit(world, shared, carl, Self.content())
      }
      #expect(error?.code == .contentNotSupported)
      #expect(error?.message.contains("'resource'") == true)
      #expect(try await code { _ = try await submit(world, shared, viewer, Self.content()) } == .promptNotAllowed)
      // Links and texts every agent takes.
      let plain = try Self.content(#"[{"type":"text","text":"a"},{"type":"resource_link","uri":"u","name":"n"}]"#)
      #expect(try await submit(world, shared, carl, plain)["content"] == plain.shown)
    }
  }

  @Test func theBytesOfPromptsThatAreOverMakeRoomForNewOnes() async throws {
    try await withWorld(configure: { $0.attachmentBytesRetained = 100 }) { world in
      let shared = try await share(world)
      let carl = try await world.join(shared, "carl")
      let image = #"[{"type":"image","data":"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=","mimeType":"image/png"}]"#
      var ids: [String] = []
      for _ in 0..<3 { ids.append(try need(await submit(world, shared, carl, Self.content(image))["id"]?.string)) }
      #expect(try await code { _ = try await submit(world, shared, carl, Self.content(image)) } == .approvalLimit)
      _ = try await world.one.approvals.withdraw(shared.id, approvalID: ids[1], credentials: carl)
      _ = try await submit(world, shared, carl, Self.content(image))
      func read(_ id: String) async throws {
        _ = try await world.two.approvals.attachment(shared.id, approvalID: id, block: 0, reader: .trusted)
      }
      #expect(try await code { try await read(ids[0]) } == nil)
      #expect(try await code { try await read(ids[1]) } == .contentNotFound)
    }
  }
}
