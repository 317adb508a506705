import NIOCore
import ServerSentEvents

extension FuzzProperty {
  /// Reading a stream gives what the format's rules give for the whole, however the bytes arrive; what was read can be
  /// written and read again; and no id, type or data that is written changes what stands around it.
  public static let serverSentEvents = FuzzProperty(
    name: "sse",
    seeds: [
      "retry: 2000\n\nid: 1-0\ndata: {\"a\":1}\n\n: heartbeat\n\n", "\u{FEFF}id: é\revent: t\rdata: x\rdata\r\r",
      "data: a\r\ndata:  b\r\n\r\nid\ndata:c\n\n", "id: 1\u{0}2\ndata: x\n\nid:\n\ndata", "retry: 12x\nretry: 7\n:\n",
      "data\n\ndata\ndata\n\ndata:", "event: a\n\nevent:\ndata: b\n\n", "id: 5\n\n",
      "data: " + String(repeating: "y", count: 90) + "\n\n",
    ],
    bytes: [Array("id: ".utf8) + [0xFF, 0xC3, 0x0A] + Array("data: ".utf8) + [0xED, 0xA0, 0x80] + Array("\n\n".utf8)],
    dictionary: [
      "id: ", "id:", "event: ", "data: ", "data", "retry: ", "retry:9223372036854775808\n", ": ", "\n", "\r", "\r\n",
      "\n\n", "\r\r", "\u{FEFF}", "\0", "message", "\u{2028}", "\u{85}",
    ]
  ) { input in
    for limit in [0, 8, 64, 65_536] {
      try checkReading(input, limit: limit, skips: false)
      try checkReading(input, limit: limit, skips: true)
    }
    let text = String(decoding: input, as: UTF8.self)
    try checkRoundTrip(ServerSentEvent(data: ByteBuffer(bytes: input)))
    try checkRoundTrip(ServerSentEvent(id: text, data: ByteBuffer(string: "x")))
    try checkRoundTrip(ServerSentEvent(id: "1-0", type: text, data: ByteBuffer(bytes: input)))
  }

  private static func checkReading(_ input: [UInt8], limit: Int, skips: Bool) throws {
    let expected = model(input, limit: limit, skips: skips)
    for pieces in [[ByteBuffer(bytes: input)]] + Pieces.cuts(of: input) {
      let reading = Reading(pieces, limit: limit, skips: skips)
      let about = "limit \(limit), skips \(skips), pieces of \(pieces.map(\.readableBytes))"
      try expectSame(reading.failed, expected.failed, "\(about): whether it is too large")
      // Items of the piece that holds the failure are gone with it.
      guard !expected.failed else {
        try expect(expected.items.starts(with: reading.items), "\(about): \(reading.items)")
        continue
      }
      try expectSame(reading.items, expected.items, about)
      try expectSame(reading.lastEventID, expected.lastEventID, "\(about): the last id")
    }
    for case .event(let event) in expected.items { try checkRoundTrip(event) }
  }

  /// What a parser made of pieces.
  private struct Reading {
    var items: [ServerSentEventParser.Item] = []
    var lastEventID: String?
    var failed = false

    init(_ pieces: [ByteBuffer] = [], limit: Int = 1 << 20, skips: Bool = false) {
      var parser = ServerSentEventParser(maximumEventBytes: limit, skipsTooLarge: skips)
      do {
        for piece in pieces { items += try parser.parse(piece) }
      } catch {
        failed = true
      }
      lastEventID = parser.lastEventID
    }
  }

  /// Writes the event between two others and reads all three.
  private static func checkRoundTrip(_ event: ServerSentEvent) throws {
    let before = ServerSentEvent(id: "0-1", type: "before", data: ByteBuffer(string: "b"))
    let after = ServerSentEvent(id: "0-2", data: ByteBuffer(string: "a\nc"))
    var wire = ByteBuffer()
    try ServerSentEventEncoder.write(before, into: &wire)
    let length = wire.readableBytes
    do {
      try ServerSentEventEncoder.write(event, into: &wire)
    } catch {
      let isControl = { (byte: UInt8) in byte < 0x20 || byte == 0x7F }
      let fields = [event.id, event.type].compactMap { $0 }
      try expect(fields.contains { $0.utf8.contains(where: isControl) }, "\(event) was refused")
      return try expectSame(wire.readableBytes, length, "bytes of a refused event")
    }
    ServerSentEventEncoder.writeHeartbeat(into: &wire)
    try ServerSentEventEncoder.write(after, into: &wire)
    // An empty id clears the cursor and an empty type is none; line ends in data become LF.
    var expected = event
    if event.id == nil { expected.id = before.id }
    if event.id == "" { expected.id = nil }
    if event.type == "" { expected.type = nil }
    expected.data = ByteBuffer(bytes: lines(Array(event.data.readableBytesView)).joined(separator: [0x0A]))
    let reading = Reading([wire], limit: 1 << 20)
    try expectSame(reading.items, [.event(before), .event(expected), .comment, .event(after)], "what was written")
  }

  /// The rules of the format, line by line over the whole.
  private static func model(_ input: [UInt8], limit: Int, skips: Bool) -> Reading {
    var result = Reading()
    var isTooLarge = false
    var (id, type, data) = (String?.none, String?.none, [[UInt8]]())
    var all = lines(input)
    let unfinished = all.removeLast()
    for (number, whole) in all.enumerated() {
      guard whole.count <= limit + 16 else {
        result.failed = !skips
        if !skips { return result }
        isTooLarge = true
        continue
      }
      let line = number == 0 && whole.starts(with: [0xEF, 0xBB, 0xBF]) ? whole.dropFirst(3) : whole[...]
      if line.isEmpty {
        result.lastEventID = id
        if isTooLarge {
          result.items.append(.tooLarge(id: id))
        } else if !data.isEmpty {
          let joined = ByteBuffer(bytes: data.joined(separator: [0x0A]))
          result.items.append(.event(ServerSentEvent(id: id, type: type, data: joined)))
        }
        (type, data, isTooLarge) = (nil, [], false)
        continue
      }
      let name = line.prefix { $0 != UInt8(ascii: ":") }
      var value = line.dropFirst(name.count + 1)
      if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
      let text = String(decoding: value, as: UTF8.self)
      switch String(decoding: name, as: UTF8.self) {
      case "": result.items.append(.comment)
      case "event": type = text.isEmpty ? nil : text
      case "id" where !value.contains(0): id = text.isEmpty ? nil : text
      case "retry" where !value.isEmpty && value.allSatisfy({ (0x30...0x39).contains($0) }):
        if let milliseconds = Int64(text) { result.items.append(.retry(milliseconds: milliseconds)) }
      case "data":
        data.append(Array(value))
        isTooLarge = isTooLarge || data.reduce(data.count - 1) { $0 + $1.count } > limit
        result.failed = isTooLarge && !skips
      default: break
      }
      if result.failed { return result }
    }
    result.failed = !skips && unfinished.count > limit + 16
    return result
  }

  /// Cut at CRLF, LF and CR; what is behind the last end is a line of its own, also when it is empty.
  private static func lines(_ bytes: [UInt8]) -> [[UInt8]] {
    var lines: [[UInt8]] = [[]]
    var previous: UInt8 = 0
    for byte in bytes {
      if byte == 0x0D || byte == 0x0A && previous != 0x0D { lines.append([]) }
      if byte != 0x0D && byte != 0x0A { lines[lines.count - 1].append(byte) }
      previous = byte
    }
    return lines
  }
}
