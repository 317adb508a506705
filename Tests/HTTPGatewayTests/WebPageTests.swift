import NIOCore
import TestSupport
import Testing

@testable import HTTPGateway

@Suite struct WebPageTests {
  @Test(arguments: ["/", "/s/0a1b"])
  func thePageRunsOnlyItsOwnFilesAndCannotBeFramed(path: String) async throws {
    try await withGateway { gateway in
      let reply = try await gateway.call("GET", path)
      #expect(reply.status == 200)
      #expect(reply.headers["content-type"] == "text/html; charset=utf-8")
      let policy = try #require(reply.headers["content-security-policy"])
      #expect(policy.contains("default-src 'none'"))
      #expect(policy.contains("frame-ancestors 'none'"))
      #expect(!policy.contains("unsafe"))
      #expect(reply.headers["referrer-policy"] == "no-referrer")
      #expect(!reply.body.contains("style=\""), "the policy allows no inline style")
      #expect(!reply.body.contains(" onclick"), "the policy allows no inline script")
    }
  }

  @Test func whereNothingIsAPersonGetsAPageAndAProgramAnError() async throws {
    try await withGateway { gateway in
      let browser = "text/html,application/xhtml+xml,*/*;q=0.8"
      let page = try await gateway.call("GET", "/nowhere", headers: ["accept": browser])
      #expect(page.status == 404 && page.headers["content-type"] == "text/html; charset=utf-8")
      for (path, accept) in [("/nowhere", "*/*"), ("/api/nowhere", browser), ("/web/nowhere.js", browser)] {
        let reply = try await gateway.call("GET", path, headers: ["accept": accept])
        #expect(reply.status == 404 && reply.body.contains("NOT_FOUND"), "\(path)")
      }
    }
  }

  @Test func everyFileThePageNamesIsServed() async throws {
    try await withGateway { gateway in
      var names: Set<String> = []
      let files = [WebFiles.page] + WebFiles.scripts.map(\.file)
      for file in files {
        for part in String(buffer: file).split(separator: "\"") {
          if part.hasPrefix("/web/") { names.insert(String(part)) }
          if part.hasPrefix("./"), part.hasSuffix(".js") { names.insert("/web/" + part.dropFirst(2)) }
        }
      }
      #expect(names.count == WebFiles.assets.count, "every script and style sheet")
      for name in names {
        let status = try await gateway.call("GET", name).status
        #expect(status == 200, "\(name)")
      }
      let texts = files.map { String(buffer: $0).replacing("http://www.w3.org/2000/svg", with: "") }
      #expect(texts.allSatisfy { !$0.contains("http://") && !$0.contains("https://cdn") })
    }
  }
}
