internal import Basics
internal import Foundation
internal import Fuzzing
internal import NIOCore

/// Fuzzes one parser with libFuzzer: `tandem-fuzzers NAME [libFuzzer's options] [directories or inputs]`.
///
/// libFuzzer keeps the input of a crash, a hang or a violated property in a file, which is run again when it is given as
/// an argument. `tandem-fuzzers NAME --seeds DIRECTORY` writes what to start from: `corpus/` and `words` for `-dict`.
@main
enum TandemFuzzers {
  private static let properties: [FuzzProperty] = [
    .jsonText, .redisReplies, .serverSentEvents,
    .lines(name: "lines", stopsAtTooLong: false, dropsBlank: false) { LineFramer.read($0, maximumBytes: $1) },
  ]

  /// The one named on the command line; libFuzzer's callback has no context to carry it.
  private static let property: FuzzProperty = {
    guard let found = properties.first(where: { $0.name == CommandLine.arguments.dropFirst().first }) else {
      print("Name one of: \(properties.map(\.name).joined(separator: ", "))")
      exit(64)
    }
    return found
  }()

  static func main() throws {
    let arguments = CommandLine.arguments
    _ = property
    if arguments.count == 4, arguments[2] == "--seeds" {
      return try writeSeeds(to: URL(filePath: arguments[3]))
    }
    var pointers = ([arguments[0]] + arguments.dropFirst(2)).map { strdup($0) } + [nil]
    var count = Int32(pointers.count - 1)
    let status = pointers.withUnsafeMutableBufferPointer { buffer in
      var start = buffer.baseAddress
      return runLibFuzzer(&count, &start) { bytes, count in
        TandemFuzzers.run(UnsafeBufferPointer(start: bytes, count: count))
      }
    }
    exit(status)
  }

  private static func run(_ input: UnsafeBufferPointer<UInt8>) -> Int32 {
    do {
      try property.check(Array(input))
    } catch {
      // Ends the process in the way that libFuzzer takes for a finding.
      fatalError("\(error)\ninput: \(Array(input))")
    }
    return 0
  }

  private static func writeSeeds(to directory: URL) throws {
    let corpus = directory.appending(path: "corpus")
    try FileManager.default.createDirectory(at: corpus, withIntermediateDirectories: true)
    for (number, seed) in property.seeds.enumerated() {
      try Data(seed).write(to: corpus.appending(path: "seed-\(number)"))
    }
    let words = property.dictionary.map { word in
      "\"" + word.map { "\\x" + (($0 < 16 ? "0" : "") + String($0, radix: 16)) }.joined() + "\"\n"
    }
    try Data(words.joined().utf8).write(to: directory.appending(path: "words"))
  }
}

extension LineFramer {
  fileprivate static func read(_ pieces: [ByteBuffer], maximumBytes: Int) -> [FramedLine] {
    var framer = LineFramer(maximumBytes: maximumBytes)
    var lines = pieces.flatMap { framer.append($0) }
    lines += framer.end()
    return lines.map { line in
      switch line {
      case .complete(let bytes): .complete(Array(bytes.readableBytesView))
      case .tooLong: .tooLong
      }
    }
  }
}

/// libFuzzer's own loop, from the library that TANDEM_FUZZERS names.
@_silgen_name("LLVMFuzzerRunDriver")
private func runLibFuzzer(
  _ argumentCount: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ callback: @convention(c) (_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32
) -> Int32
