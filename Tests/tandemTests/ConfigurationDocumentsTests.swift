import ArgumentParser
import Foundation
import Testing

@testable import tandem

/// Files of the repository that are made from the table of keys stay equal to it.
@Suite struct ConfigurationDocumentsTests {
  private func repositoryFile(_ path: String) throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  @Test func theDefaultFileIsTheTable() throws {
    // Made anew by: tandem check-config --defaults > config/tandem.json
    #expect(try repositoryFile("config/tandem.json") == ConfigurationDocuments.defaultFile)
  }

  @Test func theDefaultFileChangesNothing() throws {
    let fromFile = try configuration(file: ConfigurationDocuments.defaultFile)
    #expect("\(fromFile)" == "\(try configuration())")
  }

  @Test func theReadmeHoldsTheTable() throws {
    // Made anew by: tandem check-config --markdown
    #expect(try repositoryFile("README.md").contains(ConfigurationDocuments.markdownTable))
  }

  @Test func helpNamesEveryKeyInBothSpellings() {
    for key in ConfigurationKey.all {
      #expect(ConfigurationDocuments.help.contains(key.flagName + " "))
      #expect(ConfigurationDocuments.help.contains("[\(key.environmentName)]"))
    }
  }

  @Test func namesAreUniqueInEverySpelling() {
    let keys = ConfigurationKey.all
    #expect(Set(keys.map(\.name)).count == keys.count)
    #expect(Set(keys.map(\.flagName)).count == keys.count)
    #expect(Set(keys.map(\.environmentName)).count == keys.count)
    #expect(!keys.contains { $0.flagName == "--config" || $0.environmentName == "TANDEM_CONFIG" })
  }

  @Test func secretsAreHiddenInTheListing() throws {
    let digest = String(repeating: "0a", count: 32)
    let sources = ConfigurationSources(
      flags: ["redis": "redis://user:p@ss@redis.example:6379/2"], environment: ["TANDEM_API_KEYS": "ci:\(digest)"],
      file: nil)
    let resolver = ConfigurationResolver(sources)
    let listing = EffectiveConfiguration.render(
      resolver, try TandemConfiguration(resolver, environment: ["HOME": "/h"]))
    #expect(listing.contains("redis://********@redis.example:6379/2  [flag --redis]"))
    #expect(listing.contains("ci:********  [environment TANDEM_API_KEYS]"))
    #expect(!listing.contains("p@ss"))
    #expect(!listing.contains(digest))
    #expect(listing.split(separator: "\n").count == ConfigurationKey.all.count)
  }
}

@Suite struct SettingsArgumentsTests {
  @Test func flagsTakeTheirValueEitherWay() throws {
    let arguments = try SettingsArguments.parse(["--port", "1", "--host=::1", "--force-open", "--dispatch-lease", "5s"])
    #expect(try arguments.flags() == ["port": "1", "host": "::1", "forceOpen": "true", "dispatch.lease": "5s"])
    #expect(try SettingsArguments.parse(["--force-open", "false"]).flags() == ["forceOpen": "false"])
    #expect(try SettingsArguments.parse(["--config", "x.json"]).configurationFile == "x.json")
  }

  @Test(arguments: [["--prot", "1"], ["--port"], ["--port", "1", "--port", "2"], ["word"], ["-p", "1"]])
  func misuseIsAUsageError(arguments: [String]) {
    #expect { try SettingsArguments.parse(arguments) } throws: { error in
      SettingsArguments.exitCode(for: error).rawValue == 64
    }
  }
}
