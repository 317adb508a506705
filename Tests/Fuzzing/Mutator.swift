/// Makes inputs that are nearly right from inputs that are right; a value, which repeats itself for the same seed.
///
/// It knows nothing about coverage: it flips, cuts, copies and splices bytes, changes numbers and puts in words of the
/// format. Some of what it made is mutated further, so that changes pile up.
public struct Mutator<Random: RandomNumberGenerator> {
  private var corpus: [[UInt8]]
  private let seedCount: Int
  private let dictionary: [[UInt8]]
  private var random: Random

  /// Beyond this inputs only cost time.
  private static var longest: Int { 2_048 }
  private static var corpusSize: Int { 128 }
  private static var numbers: [String] {
    [
      "0", "-0", "1", "-1", "-2", "2", "7", "9", "64", "255", "1023", "1024", "1025", "65536", "2147483647",
      "2147483648", "4294967296", "9007199254740993", "9223372036854775807", "9223372036854775808",
      "-9223372036854775808", "99999999999999999999", "007", "+1", "1e3", "1e400",
    ]
  }

  /// A mutator that starts from the seeds.
  public init(seeds: [[UInt8]], dictionary: [[UInt8]], random: Random) {
    corpus = seeds.isEmpty ? [[]] : seeds
    seedCount = corpus.count
    self.dictionary = dictionary
    self.random = random
  }

  /// The next input.
  public mutating func next() -> [UInt8] {
    var input = pick()
    for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&input) }
    if input.count > Self.longest { input.removeSubrange(Self.longest...) }
    if Int.random(in: 0..<8, using: &random) == 0 {
      if corpus.count < seedCount + Self.corpusSize {
        corpus.append(input)
      } else {
        corpus[seedCount + Int.random(in: 0..<Self.corpusSize, using: &random)] = input
      }
    }
    return input
  }

  private mutating func pick() -> [UInt8] { corpus[Int.random(in: 0..<corpus.count, using: &random)] }

  private mutating func mutate(_ input: inout [UInt8]) {
    let at = Int.random(in: 0...input.count, using: &random)
    switch Int.random(in: 0..<10, using: &random) {
    case 0 where at < input.count: input[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1 where at < input.count: input[at] = .random(in: .min ... .max, using: &random)
    case 2: input.insert(.random(in: .min ... .max, using: &random), at: at)
    case 3: input.removeSubrange(range(from: at, in: input))
    case 4: input.insert(contentsOf: input[range(from: at, in: input)], at: at)
    case 5: input.removeSubrange(at...)
    case 6: splice(&input, at)
    case 7: replaceNumber(&input, near: at)
    default:
      guard let word = dictionary.randomElement(using: &random) else { return }
      if Bool.random(using: &random), at + word.count <= input.count {
        input.replaceSubrange(at..<at + word.count, with: word)
      } else {
        input.insert(contentsOf: word, at: at)
      }
    }
  }

  private mutating func range(from start: Int, in input: [UInt8]) -> Range<Int> {
    start..<min(input.count, start + Int.random(in: 0...(Bool.random(using: &random) ? 4 : 64), using: &random))
  }

  /// Puts the end, or a middle part, of another input behind the start of this one.
  private mutating func splice(_ input: inout [UInt8], _ at: Int) {
    let other = pick()
    let start = Int.random(in: 0...other.count, using: &random)
    input.replaceSubrange(at..., with: other[start...])
  }

  /// Changes the first number behind a place: lengths and counts are where readers go wrong.
  private mutating func replaceNumber(_ input: inout [UInt8], near at: Int) {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard let start = input[at...].firstIndex(where: digits.contains) ?? input.firstIndex(where: digits.contains)
    else { return }
    let end = input[start...].firstIndex { !digits.contains($0) } ?? input.count
    var number = Self.numbers[Int.random(in: 0..<Self.numbers.count, using: &random)]
    if Bool.random(using: &random), let old = Int(String(decoding: input[start..<end], as: UTF8.self)) {
      number = String(old &+ Int.random(in: -2...2, using: &random))
    }
    input.replaceSubrange(start..<end, with: Array(number.utf8))
  }
}
