import NIOCore
import RedisClient
import Testing

@Suite("Scripts, errors and expectations")
struct ValuesTests {
  @Test("a script's name is its SHA-1")
  func sha1() {
    // What `redis-cli SCRIPT LOAD "return 1"` prints.
    #expect(RedisScript(name: "one", source: "return 1").sha1 == "e0e1f9fabfc9d4800c877a703b823ac0578ff8db")
  }

  @Test("error replies know their first word and whether anything may have run")
  func serverErrors() {
    let outOfMemory = RedisError.server("OOM command not allowed when used memory > 'maxmemory'.")
    #expect(outOfMemory.serverErrorPrefix == "OOM" && outOfMemory.mayHaveRun && outOfMemory.code == .server)
    #expect(!RedisError.server("NOSCRIPT No matching script.").mayHaveRun)
    #expect(!RedisError.server("BUSY Redis is busy running a script.").mayHaveRun)
    #expect(RedisError.server("ERR").serverErrorPrefix == "ERR")
    #expect(RedisError(code: .timedOut, message: "OOM x", mayHaveRun: true).serverErrorPrefix == nil)
  }

  @Test("expectations return what is there")
  func met() throws {
    let text = RedisValue.bytes(ByteBuffer(string: "42"))
    #expect(try text.expectString() == "42")
    #expect(try text.expectInteger() == 42)
    #expect(try text.expectBytes() == ByteBuffer(string: "42"))
    #expect(try RedisValue.array([.null]).expectArray(minimumCount: 1).count == 1)
    try RedisValue.status("OK").expectOK()
  }

  @Test("expectations that are not met say what was expected and what came, not its content")
  func unmet() {
    let value = RedisValue.bytes(ByteBuffer(string: "secret"))
    let errors = [
      #expect(throws: RedisError.self) { try value.expectInteger("the counter") },
      #expect(throws: RedisError.self) { try RedisValue.null.expectString("the counter") },
      #expect(throws: RedisError.self) { try RedisValue.integer(1).expectBytes("the counter") },
      #expect(throws: RedisError.self) { try value.expectArray("the counter") },
      #expect(throws: RedisError.self) { try RedisValue.array([]).expectArray(minimumCount: 2, "the counter") },
      #expect(throws: RedisError.self) { try value.expectOK("the counter") },
    ]
    for error in errors {
      #expect(error?.code == .protocolViolation)
      #expect(error?.message.contains("the counter") == true)
      #expect(error?.message.contains("secret") == false)
    }
    let nested = #expect(throws: RedisError.self) { try RedisValue.error("NOPERM x").expectString() }
    #expect(nested?.serverErrorPrefix == "NOPERM")
  }
}
