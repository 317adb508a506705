import JSONText
import TestSupport
import Testing

@testable import AgentBridge

/// What is removed from texts, and what is not.
struct SecretPatternsTests {
  private func redact(_ text: String, _ patterns: SecretPatterns = SecretPatterns()) -> String {
    var count = RedactionCount()
    return patterns.redact(text, &count)
  }

  private static let letters = String(repeating: "aB3", count: 20)

  @Test(arguments: [
    ("key AKIAIOSFODNN7EXAMPLE.", "key [removed: AWS key]."),
    ("ghp_\(letters), done", "[removed: GitHub token], done"),
    ("github_pat_11ABC_\(letters)", "[removed: GitHub token]"),
    ("(glpat-abcDEF123456_-xyz789)", "([removed: GitLab token])"),
    ("xoxb-123456789012-abc", "[removed: Slack token]"),
    ("AIzaSyA-1234567890abcdefghijklmnopqrstu", "[removed: Google key]"),
    ("sk-ant-api03-\(letters)-x_y", "[removed: API key]"),
    ("sk-proj-\(letters)", "[removed: API key]"),
    ("sk_live_abcdefghijklmnop1234", "[removed: Stripe key]"),
    ("npm_\(letters)", "[removed: package token]"),
    (#"first\nghp_\#(letters)\nlast"#, #"first\n[removed: GitHub token]\nlast"#),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-_123 is it", "[removed: JSON web token] is it"),
    ("postgres://ada:s3cr%3Dt@db/x?y", "postgres://ada:[removed: password in a URL]@db/x?y"),
    ("https://abcdefghij0123456789@host/", "https://[removed: password in a URL]@host/"),
    ("Authorization: Bearer abc123def", "Authorization: Bearer [removed: secret value]"),
    ("curl -H 'X-Api-Key: a1b2c3d4e5'", "curl -H 'X-Api-Key: [removed: secret value]'"),
    ("Bearer abcdefghijklmnop0123456789==", "[removed: bearer token]"),
    ("DB_PASSWORD=x next", "DB_PASSWORD=[removed: secret value] next"),
    ("export AWS_SECRET_ACCESS_KEY='wJalr/XUtn'", "export AWS_SECRET_ACCESS_KEY='[removed: secret value]'"),
    (#"{"clientSecret": "a-b-c", "x": 1}"#, #"{"clientSecret": "[removed: secret value]", "x": 1}"#),
    (#"{\"password\":\"hunter2\",\"n\":1}"#, #"{\"password\":\"[removed: secret value]\",\"n\":1}"#),
    ("db.password = hunter2hunter2", "db.password = [removed: secret value]"),
    ("?access_token=abc123&x=1", "?access_token=[removed: secret value]&x=1"),
    ("GITHUB_TOKEN=ghp_\(letters)", "GITHUB_TOKEN=[removed: GitHub token]"),
    ("AccountKey=abc+/=;Endpoint=x", "AccountKey=[removed: secret value];Endpoint=x"),
    (
      "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc=\n-----END RSA PRIVATE KEY-----\nafter",
      "[removed: private key]\nafter"
    ),
    ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nxyz", "[removed: private key]"),
    ("password: \"pä$$wörd\" é", "password: \"[removed: secret value]\" é"),
  ])
  func whatIsRemoved(_ text: String, _ expected: String) {
    #expect(redact(text) == expected)
  }

  @Test(arguments: [
    "The token count is fine: max_tokens=4096, tokens: 12, token_type: bearer",
    "let password = getpass.getpass()", "token = os.environ[\"TOKEN\"]", "api_key=api_key, self.token = other.token",
    "password: String, secret: str | None", "PASSWORD=$PASSWORD", "API_KEY=<your key>", "token: {{ token }}",
    "credentials: ParticipantCredentials? {", "digest(token: token ?? \"\")", "call('token:' .. hash, 'x')",
    "case invalidToken = \"INVALID_TOKEN\"", "case invalidToken: \"That is no valid token.\"",
    "token: \"\\(id).\\(token)\"",
    "Authorization: `Bearer ${token}`", "tokenNeeded: 'true', token: 'string'", "password=\"\"",
    "PWD=/srv/ada OLDPWD=/", "SECRET_NAME=x TOKEN_URL=https://x/y PASSWORD_FILE=/run/x",
    "https://example.com:8080/a@b", "http://user@host/", "a::b == c => d", "task-force sk-learn risk-free-investment",
    "eyJ is how they begin. eyJhbGci.x", "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----",
    "const secret = undefined; secret: 123", "ghp_short AKIAshort", "", "é", "=", ":", "://", "=:=:",
  ])
  func whatStays(_ text: String) {
    #expect(redact(text) == text)
  }

  @Test func theHostsOwnVariablesAndList() throws {
    var patterns = SecretPatterns()
    let long = (100..<200).map { "\($0)" }.joined() + "é"
    patterns.addValues(of: [
      "MY_TOKEN": "correct horse", "EDITOR": "emacs-client", "PASSWORD": "short", "SSH_AUTH_SOCK": "/tmp/agent.sock",
      "BIG_SECRET": long,
    ])
    let problem = patterns.add(list: "# mine\n\n  project-x  \nACME-*\nfavourite=\n")
    #expect(problem == nil)
    #expect(redact("a correct horse", patterns) == "a [removed: environment variable]")
    #expect(redact("emacs-client short /tmp/agent.sock", patterns) == "emacs-client short /tmp/agent.sock")
    #expect(redact("<\(long)>", patterns) == "<[removed: environment variable]>")
    #expect(
      redact("xproject-xx ACME-12.3+ favourite: \"blue\"", patterns)
        == "x[removed: host's list]x [removed: host's list] favourite: \"[removed: secret value]\"")
    #expect(patterns.add(list: "ok-ok-ok\nabc") == "line 2 is too short: it takes 6 bytes, or 3 before a `*`.")
    #expect(patterns.add(list: String(repeating: "abcdefgh\n", count: 8_000))?.contains("64 KiB") == true)
    #expect(patterns.add(list: String(repeating: "x", count: 65) + "*")?.contains("too long") == true)
  }

  @Test func allStringsOfAValueAreLookedAt() throws {
    let value = try JSONText(
      validating:
        #"{ "a": ["ghp_\#(Self.letters)", {"apiKey":"x\ny","n":1e3}], "env":[{"name":"DB_PASS","value":"v"}], "#
        + #""ghp_\#(Self.letters)": "token", "optionId": "ghp_\#(Self.letters)", "token": {"text": "plain"}}"#)
    var count = RedactionCount()
    #expect(
      SecretPatterns().redact(value, &count).description
        == #"{ "a": ["[removed: GitHub token]", {"apiKey":"[removed: secret value]","n":1e3}], "#
        + #""env":[{"name":"DB_PASS","value":"[removed: secret value]"}], "[removed: GitHub token]": "token", "#
        + #""optionId": "ghp_\#(Self.letters)", "token": {"text": "plain"}}"#)
    #expect(count.total == 4 && count.sentence == "2 x GitHub token, 2 x secret value")
  }
}

/// Texts in pieces.
struct SecretStreamTests {
  private static let secret = "ghp_" + String(repeating: "aB3", count: 20)
  private static var patterns: SecretPatterns {
    var patterns = SecretPatterns()
    patterns.addValues(of: ["X_TOKEN": "hunter2-hunter3", "Y_TOKEN": "hunters-hunter-h"])
    return patterns
  }

  private static let parts = [
    secret, "hunter2-hunter3", "hunter", "hunters-hunter-h", "password=", "\"pass phrase\"", "'x'", "abc12345",
    "TOKEN: ", "Bearer ", "é",
    "https://", "user:", "pw", "@host", "/", " ", "\n", "\\n", "\\\"", "eyJ", "hbGciOiJIUzI1NiJ9", ".", "eyJzdWIiOiIx",
    "-----BEGIN EC PRIVATE KEY-----", "-----END EC PRIVATE KEY-----", "-----END", "-", "MIIE", "plain words", "AKIA",
    "sk-ant-",
    "ABCDEFGHIJKLMNOP", "gh", "g", "xox", "=", ":", "://", "\"", "'", "$X", "(", "日本", "db.password = ",
  ]

  private func whole(_ text: String) -> String {
    var stream = SecretStream(Self.patterns)
    return String(decoding: stream.append(Array(text.utf8)) + stream.finish(), as: UTF8.self)
  }

  /// What comes out doesn't depend on where the pieces begin and end.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func piecesGiveTheSameAsTheWhole(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<60 {
      let text = (0..<Int.random(in: 1...14, using: &random)).map { _ in Self.parts.randomElement(using: &random) ?? ""
      }
      .joined()
      var stream = SecretStream(Self.patterns)
      var output: [UInt8] = []
      var rest = Array(text.unicodeScalars)
      while !rest.isEmpty {
        let count = min(rest.count, Int.random(in: 1...(Bool.random(using: &random) ? 2 : 20), using: &random))
        var piece = ""
        piece.unicodeScalars.append(contentsOf: rest.prefix(count))
        rest.removeFirst(count)
        let shown = stream.append(Array(piece.utf8))
        #expect(String(validating: shown, as: UTF8.self) != nil)
        output += shown
      }
      output += stream.finish()
      let expected = whole(text)
      #expect(String(decoding: output, as: UTF8.self) == expected, "\(text.debugDescription)")
      #expect(!expected.contains(Self.secret), "\(text.debugDescription)")
      #expect(!expected.contains("hunter2-hunter3"), "\(text.debugDescription)")
    }
  }

  @Test func whatIsNoSecretGoesOutAtOnce() {
    var stream = SecretStream(Self.patterns)
    func show(_ piece: String) -> String {
      String(decoding: stream.append(Array(piece.utf8)) + stream.release(), as: UTF8.self)
    }
    for piece in ["Hello ", "there", ", I ", "am working", ".\n", "see gh", "p_"] { #expect(show(piece) == piece) }
    #expect(show(String(Self.secret.dropFirst(4).prefix(9))).isEmpty)
    #expect(show(String(Self.secret.dropFirst(13))) == "[removed: GitHub token]")
    #expect(show(" end: ") == " end: ")
    #expect(show("h") == "h" && show("unter").isEmpty)
    #expect(show("s") == "" && show("!") == "unters!")
    #expect(show("hunter").isEmpty && stream.finish() == Array("hunter".utf8))
  }

  /// However long a secret or what looks like one is, little is kept of it.
  @Test(arguments: [
    "eyJ", "://u:", "password=", "password=\"", "-----BEGIN EC PRIVATE KEY-----", "ghp_", "-----BEGIN A",
  ])
  func littleIsHeldBack(_ beginning: String) {
    var stream = SecretStream(Self.patterns)
    var shown = stream.append(Array(beginning.utf8)).count
    for _ in 0..<4_000 { shown += stream.append(Array("abcdefghijklmnop".utf8)).count }
    #expect(Mirror(reflecting: stream).children.allSatisfy { ($0.value as? [UInt8])?.count ?? 0 < 32 * 1024 })
    shown += stream.finish().count
    #expect(shown > 0)
  }

  /// Texts made to cost much: each takes as many steps as it is long, so that this ends.
  @Test(
    .timeLimit(.minutes(1)),
    arguments: [
      "sk-", "://", "eyJ", "eyJ.", "-----BEGIN ", "password=", "a:", "=", "hunter", "hunters-hunter-", "password:\"",
      "Bearer ", "-----END", "x_token:", "://a:@",
    ])
  func hostileTextsTakeLinearTime(_ part: String) {
    var stream = SecretStream(Self.patterns)
    let piece = Array(String(repeating: part, count: 64 * 1024 / part.utf8.count).utf8)
    for _ in 0..<4 { _ = stream.append(piece) }
    _ = stream.finish()
  }
}
