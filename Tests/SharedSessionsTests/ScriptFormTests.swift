import Testing

@testable import SharedSessions

/// How a script is put together from its body, the pieces it uses and the blocks in place of their calls.
struct ScriptFormTests {
  private static let pieces = ScriptPiece.pieces(
    of: Array(
      """
      -- A file of pieces.

      local call = redis.call

      -- block: load_it
      -- Loads it; ends the script when there is none.
      local it = call('GET', key)
      if not it then return {'none'} end

      -- block: put name value
      call('HSET', key, name, value)

      -- block: put_twice name
      put(name, 'a')
      put(name, 'b')

      -- block: tell key *text
      call('PUBLISH', key, 'new ' .. text)

      -- block: remember
      -- when: once
      -- args: once
      call('SET', answers, once)

      local function unused() return 1 end
      """.utf8))

  private func form(_ body: String, forRepeats: Bool = true) -> ScriptForm {
    ScriptForm(
      ScriptSource(Array("#!lua\n-- keys: key answers\n-- args: text\n\(body)".utf8)), Self.pieces,
      forRepeats: forRepeats)
  }

  private func lines(_ form: ScriptForm) -> [String] {
    form.source(shebang: "#!lua", isVariadic: false) { _ in "7" }.split(separator: "\n").map(String.init)
  }

  @Test func aBlockStandsInPlaceOfItsCall() {
    let form = form("load_it()\nreturn it .. text")
    #expect(form.faults == [])
    #expect(
      lines(form).suffix(3) == [
        "local it = call('GET', key)", "if not it then return {'none'} end", "return it .. text",
      ])
    #expect(!lines(form).contains { $0.contains("unused") }, "only what is used is there")
  }

  @Test func parametersAreTheBlocksOwnAlsoInBlocksAndOverLines() {
    let form = form("if text then\n  put_twice(text ..\n    ')(')\nend")
    #expect(form.faults == [])
    #expect(
      lines(form).suffix(10) == [
        "if text then", "do local name = text .. ')('", "do local name, value = name, 'a'",
        "call('HSET', key, name, value)", "end", "do local name, value = name, 'b'", "call('HSET', key, name, value)",
        "end", "end", "end",
      ])
  }

  @Test func whatAStarredParameterGetsStandsInTheBlockAsItIsWritten() {
    let form = form("load_it()\ntell('a, b', '(' .. text.text .. (it and 'text' or ''))")
    #expect(form.faults == [])
    #expect(
      lines(form).suffix(3) == [
        "do local key = 'a, b'", "call('PUBLISH', key, 'new ' .. '(' .. text.text .. (it and 'text' or ''))", "end",
      ])
  }

  @Test func whatOnlyARepeatNeedsIsNotInThePlainForm() {
    let (plain, repeatable) = (form("remember()\nload_it()", forRepeats: false), form("remember()\nload_it()"))
    #expect(repeatable.arguments == ["once", "text"])
    #expect(repeatable.keys == ["key", "answers"])
    #expect(plain.arguments == ["text"])
    #expect(plain.keys == ["key"])
    #expect(!lines(plain).contains { $0.contains("answers") || $0.contains("remember") })
  }

  @Test(arguments: [
    "return put('a', 'b')", "if text then put('a', 'b') end", "load_it(text)", "put()", "tell('a', text or '')",
    "tell('a', key)",
  ])
  func aBlockThatIsNotAStatementOfItsOwnIsAFault(body: String) {
    #expect(form(body).faults.count == 1, "\(form(body).faults)")
  }
}
