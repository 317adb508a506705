// swift-tools-version: 6.2
import Foundation
import PackageDescription

let strictness: [SwiftSetting] =
  ProcessInfo.processInfo.environment["TANDEM_STRICT"] == nil ? [] : [.treatAllWarnings(as: .error)]

/// Every target is built with the same rules.
///
/// Warnings are errors for whoever works on it (`make test` sets TANDEM_STRICT), but must not stop a newer compiler.
let settings: [SwiftSetting] =
  strictness + [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  ]

/// What is fuzzed is built with libFuzzer's counters and address checks when TANDEM_FUZZERS holds the path of its library.
let fuzzerLibrary = ProcessInfo.processInfo.environment["TANDEM_FUZZERS"]
let fuzzedSettings: [SwiftSetting] =
  settings + (fuzzerLibrary == nil ? [] : [.unsafeFlags(["-sanitize=fuzzer,address", "-enable-testing"])])

// Products of other packages, named once.
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let atomics = Target.Dependency.product(name: "Atomics", package: "swift-atomics")
let collections = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let metricsCore = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let metricsTestKit = Target.Dependency.product(name: "MetricsTestKit", package: "swift-metrics")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let serviceLifecycleTestKit = Target.Dependency.product(
  name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

let scripts: [Resource] = [.embedInCode("Scripts")]
let web: [Resource] = [.embedInCode("Web")]

var targets: [Target] = [
  // Bottom: formats and the wire.
  // Without pkg-config: Debian's hiredis.pc holds a flag that SwiftPM warns about, and the headers are where compilers look.
  .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
  .target(name: "Basics", dependencies: [nioCore], swiftSettings: fuzzedSettings),
  .target(name: "JSONText", dependencies: ["Basics", nioCore], swiftSettings: fuzzedSettings),
  .target(name: "ServerSentEvents", dependencies: [nioCore], swiftSettings: fuzzedSettings),
  .target(name: "Observability", dependencies: ["Basics", logging, metrics, metricsCore], swiftSettings: settings),
  .target(name: "RedisWire", dependencies: ["CHiredis", nioCore], swiftSettings: fuzzedSettings),
  .target(
    name: "RedisClient",
    dependencies: [
      "Basics", "Observability", "RedisWire", atomics, collections, crypto, logging, metrics, metricsCore, nioCore,
      nioPosix, nioSSL, serviceLifecycle,
    ],
    swiftSettings: settings),

  // The domain and its delivery.
  .target(
    name: "SharedSessions",
    dependencies: [
      "Basics", "JSONText", "Observability", "RedisClient", crypto, logging, metrics, nioCore, serviceLifecycle,
    ],
    exclude: ["README.md"], resources: scripts, swiftSettings: settings),
  .target(
    name: "EventStreaming",
    dependencies: [
      "Basics", "JSONText", "Observability", "RedisClient", "ServerSentEvents", "SharedSessions", atomics, collections,
      logging, metrics, nioCore, nioHTTP1, serviceLifecycle,
    ],
    swiftSettings: settings),
  .target(
    name: "HTTPGateway",
    dependencies: [
      "Basics", "EventStreaming", "JSONText", "Observability", "ServerSentEvents", "SharedSessions", atomics, crypto,
      httpTypes, collections, hummingbirdCore, logging, metrics, nioCore, nioHTTP1, nioPosix, serviceLifecycle,
    ],
    resources: web, swiftSettings: settings),

  // The host's side.
  .target(
    name: "AgentClientProtocol",
    dependencies: [
      "Basics", "JSONText", "Observability", collections, logging, nioCore, nioPosix, subprocess, systemPackage,
    ],
    swiftSettings: settings),
  .target(
    name: "AgentBridge",
    dependencies: [
      "AgentClientProtocol", "Basics", "JSONText", "Observability", "ServerSentEvents", asyncHTTPClient, collections,
      crypto, logging, nioCore, nioHTTP1, nioPosix, serviceLifecycle, systemPackage,
    ],
    swiftSettings: settings),

  // The program.
  .target(
    name: "EmbeddedRedis",
    dependencies: [
      "Basics", "Observability", logging, metrics, nioCore, nioPosix, serviceLifecycle, subprocess, systemPackage,
    ],
    swiftSettings: settings),
  .executableTarget(
    name: "tandem",
    dependencies: [
      "AgentBridge", "AgentClientProtocol", "Basics", "EmbeddedRedis", "EventStreaming", "HTTPGateway", "JSONText",
      "Observability", "RedisClient", "SharedSessions", argumentParser, asyncHTTPClient, configuration, crypto,
      logging, metrics, nioCore, nioHTTP1, nioPosix, serviceLifecycle, systemPackage, unixSignals,
    ],
    swiftSettings: settings),

  // Fixtures, then one test target per module.
  .target(
    name: "TestSupport", dependencies: ["RedisClient", logging, nioCore, nioPosix], path: "Tests/TestSupport",
    swiftSettings: settings),
  .target(
    name: "Fuzzing", dependencies: ["JSONText", "RedisWire", "ServerSentEvents", nioCore], path: "Tests/Fuzzing",
    swiftSettings: settings),
]

/// Test targets mirror the modules; each may use the module, the fixtures and what is named here.
func tests(_ module: String, _ more: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: module + "Tests", dependencies: [.byName(name: module), "TestSupport", nioCore, logging] + more,
    swiftSettings: settings)
}

targets += [
  tests("Basics", ["Fuzzing"]),
  tests("JSONText", ["Fuzzing"]),
  tests("ServerSentEvents", ["Fuzzing"]),
  tests("Observability", [metrics, metricsCore]),
  tests("RedisWire", ["Fuzzing"]),
  tests("RedisClient", [metrics, metricsTestKit, nioEmbedded, nioPosix, nioSSL, serviceLifecycle]),
  tests("SharedSessions", ["Basics", "JSONText", "RedisClient", crypto, nioPosix]),
  tests(
    "EventStreaming",
    ["RedisClient", "ServerSentEvents", "SharedSessions", metrics, metricsTestKit, nioEmbedded, nioHTTP1, nioPosix]),
  tests(
    "HTTPGateway",
    [
      "Basics", "EventStreaming", "Fuzzing", "JSONText", "Observability", "RedisClient", "SharedSessions",
      hummingbirdCore, httpTypes, nioHTTP1, nioPosix, nioEmbedded, crypto, serviceLifecycle, serviceLifecycleTestKit,
    ]),
  tests("AgentClientProtocol", ["Basics", "JSONText"]),
  tests(
    "AgentBridge",
    ["AgentClientProtocol", "Basics", "JSONText", "ServerSentEvents", asyncHTTPClient, crypto, nioHTTP1, nioPosix]),
  tests("EmbeddedRedis", ["RedisClient", nioPosix]),
  tests(
    "tandem",
    [
      "AgentBridge", "EmbeddedRedis", "EventStreaming", "HTTPGateway", "RedisClient", "SharedSessions", argumentParser,
      configuration,
    ]),
]

// Benchmarks cost a release build of everything, so they exist only when asked for.
if ProcessInfo.processInfo.environment["TANDEM_BENCHMARKS"] != nil {
  targets.append(
    .executableTarget(
      name: "tandem-benchmarks",
      dependencies: [
        "AgentBridge", "EmbeddedRedis", "EventStreaming", "HTTPGateway", "JSONText", "RedisClient", "SharedSessions",
        "TestSupport", argumentParser, logging, nioCore, nioHTTP1, nioPosix,
      ],
      path: "Tests/Benchmarks", swiftSettings: settings))
}

// libFuzzer comes with Swift for Linux only, so its program exists only where its library was found.
if let fuzzerLibrary {
  targets.append(
    .executableTarget(
      name: "tandem-fuzzers", dependencies: ["Basics", "Fuzzing", nioCore], path: "Tests/Fuzzers",
      swiftSettings: settings,
      linkerSettings: [
        .unsafeFlags(["-sanitize=address", "-Xlinker", fuzzerLibrary]), .linkedLibrary("stdc++"),
      ]))
}

let package = Package(
  name: "tandem",
  platforms: [.macOS(.v15)],
  products: [.executable(name: "tandem", targets: ["tandem"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-atomics", from: "1.3.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
  ],
  targets: targets
)
