import Foundation
import Testing

@testable import tandem

/// The files for operators are checked by the programs that read them.
@Suite struct ShippedFilesTests {
  private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Runs a program to its end; servers live where an ordinary user's PATH does not lead.
  private func run(
    _ program: String, _ arguments: [String], environment: [String: String] = [:]
  ) throws -> (status: Int32, output: String) {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    let path = try #require(
      (folders + ["/usr/sbin", "/sbin"]).map { $0 + "/" + program }.first(
        where: FileManager.default.isExecutableFile(atPath:)),
      "\(program) is not installed; .ci/install test does that")
    let log = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    _ = FileManager.default.createFile(atPath: log.path, contents: nil)
    defer { try? FileManager.default.removeItem(at: log) }
    let handle = try FileHandle(forWritingTo: log)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = handle
    process.standardError = handle
    try process.run()
    process.waitUntilExit()
    return (process.terminationStatus, try String(contentsOf: log, encoding: .utf8))
  }

  private func text(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  /// A copy of a file in which the names that only containers can resolve are addresses.
  private func withResolvableCopy(_ path: String, _ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let copy = folder.appending(path: "copy")
    let changed = try text(path).replacing(try Regex("node[123]:8080"), with: "127.0.0.1:8080")
    try changed.write(to: copy, atomically: true, encoding: .utf8)
    try body(copy.path)
  }

  private static let composeFiles = [
    "docker/compose.yaml", "docker/compose.sentinel.yaml", "docker/compose.cluster.yaml",
  ]

  @Test(arguments: composeFiles)
  func composeAcceptsItsFileAndAsksForTheSecrets(file: String) throws {
    let arguments = ["-f", root.appending(path: file).path, "config"]
    let secrets = ["REDIS_PASSWORD_FILE": "./secrets/redis-password", "API_KEYS_FILE": "./secrets/api-keys"]
    let accepted = try run("docker-compose", arguments, environment: secrets)
    #expect(accepted.status == 0, "\(accepted.output)")
    let servers =
      switch file {
      case "docker/compose.sentinel.yaml": ["redis1:", "redis2:", "redis3:", "sentinel1:", "sentinel2:", "sentinel3:"]
      case "docker/compose.cluster.yaml": (1...6).map { "redis\($0):" } + ["founder:"]
      default: ["redis:"]
      }
    for service in servers + ["node1:", "node2:", "node3:", "load-balancer:"] {
      #expect(accepted.output.contains("  \(service)"), "\(service)")
    }
    for name in secrets.keys {
      let refused = try run("docker-compose", arguments, environment: secrets.merging([name: ""]) { $1 })
      #expect(refused.status != 0)
      #expect(refused.output.contains("docker/.env"))
    }
  }

  @Test(arguments: composeFiles)
  func noSecretStandsInAnEnvironmentOfTheComposeFile(file: String) throws {
    // What stands there is shown by `docker inspect`; files are not.
    let compose = try text(file)
    #expect(!compose.contains("TANDEM_API_KEYS:") && !compose.contains("REDIS_PASSWORD:"))
    #expect(!compose.contains("SENTINEL_PASSWORD:"))
    #expect(compose.contains("TANDEM_API_KEYS_FILE: /run/secrets/api-keys"))
    #expect(compose.contains("TANDEM_REDIS_PASSWORD_FILE: /run/secrets/redis-password"))
    #expect(try text(".gitignore").contains("\ndocker/secrets/\n"))
  }

  @Test func everyVariableOfTheComposeFileIsInTheExample() throws {
    let example = try text("docker/.env.example")
    let compose = try Self.composeFiles.map(text).joined()
    let names = compose.matches(of: /\$\{([A-Z_]+)/).map { String($0.1) }
    #expect(!names.isEmpty)
    for name in names { #expect(example.contains("\n\(name)="), "\(name)") }
  }

  @Test func nodesGetOnlyVariablesTheyKnow() throws {
    let known = Set(ConfigurationKey.all.map(\.environmentName)).union(["TANDEM_PUBLISH"])
    for file in Self.composeFiles + ["docker/Dockerfile"] {
      for match in try text(file).matches(of: /TANDEM_[A-Z_]+/) {
        #expect(known.contains(String(match.0)), "\(match.0)")
      }
    }
  }

  @Test func theImageIsBuiltFromEveryFolderTheManifestNames() throws {
    let ignored = try text(".dockerignore")
    let dockerfile = try text("docker/Dockerfile")
    for folder in ["Sources", "Tests"] {
      #expect(ignored.contains("\n!\(folder)\n"))
      #expect(dockerfile.contains("COPY \(folder) ./\(folder)"))
    }
    // The locale data is made small before anything is linked.
    #expect(ignored.contains("\n!docker/slim-icu\n"))
    #expect(dockerfile.contains("COPY docker/slim-icu /usr/local/bin/slim-icu\nRUN slim-icu\nCOPY Sources"))
    #expect(dockerfile.contains("\nUSER 10001:10001\n"))
    #expect(dockerfile.contains("HEALTHCHECK"))
  }

  @Test func theShippedRedisUserMayDoWhatTheProgramDoesAndNothingElse() throws {
    let line = try #require(try text("config/users.acl").split(separator: "\n").first { $0.hasPrefix("user tandem ") })
    let allowed = Set(line.split(separator: " ").filter { $0.hasPrefix("+") }.map { String($0.dropFirst()) })
    // What a client sends and what the commands of a script are called; EVALSHA has no literal.
    var used: Set<String> = ["evalsha", "eval"]
    let files = try #require(
      FileManager.default.enumerator(at: root.appending(path: "Sources"), includingPropertiesForKeys: nil))
    for case let file as URL in files where ["swift", "lua"].contains(file.pathExtension) {
      let text = try String(contentsOf: file, encoding: .utf8)
      let pattern = file.pathExtension == "lua" ? /call\('([A-Z]+)'/ : /(?:RedisCommand|send)\(\s*"([A-Z]+)"/
      for match in text.matches(of: pattern) { used.insert(match.1.lowercased()) }
    }
    #expect(used.count > 25)
    let covered = Set(allowed.map { $0.split(separator: "|").first.map(String.init) ?? $0 })
    // Sentinels have users of their own. WAITAOF would keep Redis 7.0 from reading the file; the README says who adds it.
    let sentinel = try text("config/sentinel.conf")
    #expect(
      sentinel.contains(
        " -@all +auth +ping +role +client|setname +sentinel|get-master-addr-by-name +sentinel|replicas +subscribe\n"))
    #expect(try text("README.md").contains("`+waitaof`"))
    #expect(used.subtracting(covered) == ["sentinel", "subscribe", "waitaof"])
    #expect(try text("config/users.replicated.acl").contains("\n\(line)\n"))
    #expect(covered.subtracting(used).isEmpty)
    #expect(line.contains(" -@all ") && line.contains(" resetkeys ~tandem:* ") && line.contains(" resetchannels "))
  }

  @Test func haproxyAcceptsItsFile() throws {
    try withResolvableCopy("config/haproxy.cfg") { path in
      let checked = try run("haproxy", ["-c", "-f", path])
      #expect(checked.status == 0, "\(checked.output)")
      #expect(!checked.output.contains("WARNING"), "\(checked.output)")
    }
  }

  @Test func nginxAcceptsItsFile() throws {
    try withResolvableCopy("config/nginx.conf") { path in
      let folder = (path as NSString).deletingLastPathComponent
      let checked = try run(
        "nginx", ["-t", "-p", folder, "-c", path, "-e", folder + "/error.log", "-g", "pid \(folder)/pid;"])
      #expect(checked.status == 0, "\(checked.output)")
      #expect(!checked.output.contains("[warn]"), "\(checked.output)")
    }
  }

  @Test func neitherLoadBalancerIsStickyNorHoldsEventsBack() throws {
    let haproxy = try text("config/haproxy.cfg").replacing(/#.*/, with: "")
    #expect(!haproxy.contains("cookie") && !haproxy.contains("stick") && !haproxy.contains("balance source"))
    #expect(haproxy.contains("option http-no-delay"))
    let nginx = try text("config/nginx.conf").replacing(/#.*/, with: "")
    #expect(!nginx.contains("ip_hash") && !nginx.contains("sticky"))
    #expect(nginx.contains("proxy_buffering off;") && nginx.contains("proxy_request_buffering off;"))
  }
}
