import HTTPTypes
import JSONText
import TestSupport
import Testing

@testable import HTTPGateway

/// The contract in machine-readable form, held against the routes in both directions.
@Suite struct OpenAPITests {
  private func document() throws -> JSONText {
    try JSONText(validating: WebFiles.openAPI)
  }

  private func described() throws -> Set<String> {
    var operations: Set<String> = []
    for (path, methods) in try document()["paths"]?.members ?? [] {
      for (method, _) in methods.members where method != "parameters" {
        operations.insert("\(method.uppercased()) \(path)")
      }
    }
    return operations
  }

  @Test func everyRouteIsDescribedAndEverythingDescribedIsARoute() async throws {
    try await withGateway { gateway in
      let routes = Set(gateway.routes.map { "\($0.method.rawValue) \($0.path)" })
      let described = try described()
      #expect(routes.subtracting(described).isEmpty, "routes without a description")
      #expect(described.subtracting(routes).isEmpty, "descriptions without a route")
      #expect(routes.count > 30)
    }
  }

  @Test func theLengthOfEachIdempotencyKeyIsWhatTheRouteAsksFor() async throws {
    let document = try document()
    let patterns = ["IdempotencyKey": "{1,64}", "SecretIdempotencyKey": "{22,64}"]
    for (name, lengths) in patterns {
      let pattern = document["components"]?["parameters"]?[name]?["schema"]?["pattern"]?.string
      #expect(pattern?.contains(lengths) ?? false, "\(name)")
    }
    try await withGateway { gateway in
      let document = try JSONText(validating: WebFiles.openAPI)
      for route in gateway.routes where route.method == .post {
        let operation = document["paths"]?[route.path]?["post"]
        let references = operation?["parameters"]?.elements.compactMap { $0["$ref"]?.string } ?? []
        let keys = references.compactMap { $0.split(separator: "/").last }.filter { $0.hasSuffix("IdempotencyKey") }
        let expected: [Substring] = [route.answersTokens ? "SecretIdempotencyKey" : "IdempotencyKey"]
        #expect(keys == expected || (keys.isEmpty && !route.answersTokens), "\(route.path)")
      }
    }
  }

  @Test func everyReferenceLeadsSomewhere() throws {
    let document = try document()
    var references: Set<String> = []
    func collect(_ value: JSONText) {
      for (name, member) in value.members {
        if name == "$ref", let reference = member.string { references.insert(reference) }
        collect(member)
      }
      for element in value.elements { collect(element) }
    }
    collect(document)
    #expect(references.count > 8)
    for reference in references {
      let parts = reference.split(separator: "/").dropFirst()
      var value: JSONText? = document
      for part in parts { value = value?[String(part)] }
      #expect(value != nil, "\(reference)")
    }
  }

  @Test func operationIDsAreUnique() throws {
    var ids: [String] = []
    for (_, methods) in try document()["paths"]?.members ?? [] {
      for (method, operation) in methods.members where method != "parameters" {
        ids.append(try #require(operation["operationId"]?.string))
      }
    }
    #expect(Set(ids).count == ids.count)
  }
}
