import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// `tandem health`: asks a node, for container health checks that have no curl.
struct HealthCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "health",
    abstract: "Ask the node on this machine whether it is ready; status 0 when it is, 1 when not.",
    discussion: "Takes the port from the same settings as serve.\n\n\(ConfigurationDocuments.help)")

  @Flag(help: "Ask only whether the process is alive, not whether it can serve.")
  var live = false

  @Option(help: ArgumentHelp("The node's URL, instead of this machine's.", valueName: "url"))
  var server: String?

  @OptionGroup var settings: SettingsArguments

  func run() async throws {
    let base: String
    if let server {
      base = server
    } else {
      // Only the port is of interest, so what else may be wrong with the configuration is not told here.
      let resolver = try settings.resolve(environment: ProcessEnvironment.current)
      let port = resolver.resolved["port"]?.value.map { $0.text(for: .integer(0...65_535)) } ?? "8080"
      base = "http://127.0.0.1:\(port)"
    }
    let request = HTTPClientRequest(url: base + (live ? "/health/live" : "/health/ready"))
    do {
      let response = try await HTTPClient.shared.execute(request, timeout: .seconds(3))
      let body = String(buffer: try await response.body.collect(upTo: 64 << 10))
      print(body)
      guard response.status.code == 200 else { throw ExitCode.failure }
    } catch let error where !(error is ExitCode) {
      StandardError.write("tandem: \(base) gives no answer: \(error)")
      throw ExitCode.failure
    }
  }
}
