/// What must hold for every input of one parser; a value.
///
/// The same property is checked by the tests of the parser's module, with inputs of a seeded `Mutator`, and by the
/// `tandem-fuzzers` program, with inputs that libFuzzer finds by coverage.
public struct FuzzProperty: Sendable {
  /// What it is called on the command line.
  public let name: String
  /// Inputs to start from: what the format looks like, and what was found wrong once.
  public let seeds: [[UInt8]]
  /// Pieces of the format that mutation alone would hardly write.
  public let dictionary: [[UInt8]]
  /// Throws `Violation` when the property does not hold for the input.
  public let check: @Sendable (_ input: [UInt8]) throws -> Void

  /// A property, its seeds and its words given as text.
  public init(
    name: String, seeds: [String], bytes: [[UInt8]] = [], dictionary: [String],
    check: @escaping @Sendable (_ input: [UInt8]) throws -> Void
  ) {
    self.name = name
    self.seeds = seeds.map { Array($0.utf8) } + bytes
    self.dictionary = dictionary.map { Array($0.utf8) }
    self.check = check
  }

  /// Checks the seeds and then as many mutated inputs as asked for.
  ///
  /// - Throws: `Violation` with the input that shows it, for the list of seeds.
  public func run(rounds: Int, using random: some RandomNumberGenerator) throws {
    var mutator = Mutator(seeds: seeds, dictionary: dictionary, random: random)
    for seed in seeds { try check(seed, named: "seed") }
    for round in 0..<rounds { try check(mutator.next(), named: "round \(round)") }
  }

  private func check(_ input: [UInt8], named name: String) throws {
    do {
      try check(input)
    } catch {
      throw Violation(
        "\(self.name), \(name): \(error)\ninput: \(input)\nas text: \(String(decoding: input, as: UTF8.self))")
    }
  }
}

/// A property that does not hold; says which and how.
public struct Violation: Error, CustomStringConvertible {
  /// What was found and where.
  public let description: String

  /// A violation.
  public init(_ description: String) { self.description = description }
}

/// Throws when what must be the same is not.
func expectSame<Value: Equatable>(_ actual: Value, _ expected: Value, _ about: @autoclosure () -> String) throws {
  guard actual == expected else { throw Violation("\(about()): \(actual) instead of \(expected)") }
}

/// Throws when what must hold does not.
func expect(_ holds: Bool, _ about: @autoclosure () -> String) throws {
  guard holds else { throw Violation(about()) }
}
