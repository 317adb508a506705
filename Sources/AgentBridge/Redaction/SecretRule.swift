/// How a secret looks that begins with certain characters; an immutable value.
struct SecretRule: Sendable, Hashable {
  /// What belongs to the secret beside the characters it begins with.
  enum Form: Sendable, Hashable {
    /// Nothing: it is those characters.
    case whole
    /// At least so many of these behind them, and all that follow.
    case followed(by: ByteSet, atLeast: Int)
    /// A JSON web token.
    case webToken
    /// A block that holds a private key, up to its end.
    case keyBlock
    /// The address of something, of which a password may be part.
    case address
  }

  /// What it is called in the mark that stands in its place.
  let kind: String
  let beginning: [UInt8]
  let form: Form

  init(_ kind: String, _ beginning: some Sequence<UInt8>, _ form: Form) {
    self.kind = kind
    self.beginning = Array(beginning)
    self.form = form
  }

  /// What the value of a name that looks like a secret's is called.
  static let namedKind = "secret value"
  /// What the value of one of the host's own variables is called.
  static let variableKind = "environment variable"
  /// What is called so comes from the host's own list.
  static let ownKind = "host's list"

  private static func rules(
    _ kind: String, _ beginnings: String, _ set: ByteSet, _ minimum: Int
  ) -> [SecretRule] {
    beginnings.split(separator: " ").map { SecretRule(kind, $0.utf8, .followed(by: set, atLeast: minimum)) }
  }

  /// Secrets that stand at the beginning of a word: what they begin with is found in other words, too.
  static let words: [SecretRule] =
    rules("AWS key", "AKIA ASIA ABIA ACCA", .capitalsAndDigits, 16)
    + rules("Google key", "AIza ya29.", .word, 20)
    + rules("Slack token", "xoxb- xoxa- xoxp- xoxr- xoxs- xoxe- xapp-", .word, 10)
    + rules("API key", "sk-", .word, 32)
    + rules("API key", "gsk_ xai- pplx- r8_ hf_ tvly- lin_api_", .alphanumeric, 20)
    + rules("API key", "figd_ PMAK- NRAK- glsa_ sntrys_", .word, 20)
    + rules("package token", "npm_ rubygems_", .alphanumeric, 30)
    + rules("cloud token", "pul- tskey- hvs. hvb. ATATT3", .word, 20)
    + rules("SendGrid key", "SG.", .name, 40)
    + [
      SecretRule("bearer token", "Bearer ".utf8, .followed(by: .token, atLeast: 20)),
      SecretRule("JSON web token", "eyJ".utf8, .webToken),
    ]

  /// Secrets that are known wherever they stand.
  static let anywhere: [SecretRule] =
    rules("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", .word, 30)
    + rules("GitLab token", "glpat- gldt- glrt- glcbt- glptt- glft- glsoat- glimt- glagent-", .name, 16)
    + rules("API key", "sk-ant- sk-proj- sk-or- sk-svcacct- sk-admin-", .word, 20)
    + rules("Stripe key", "sk_live_ sk_test_ rk_live_ rk_test_ whsec_", .alphanumeric, 16)
    + rules("Google key", "GOCSPX-", .word, 20)
    + rules("package token", "pypi-AgE dckr_pat_", .word, 20)
    + rules("cloud token", "dop_v1_ doo_v1_ dor_v1_ shpat_ shpss_ shpca_ shppa_", .alphanumeric, 30)
    + rules("private key", "AGE-SECRET-KEY-1", .capitalsAndDigits, 40)
    + [
      SecretRule("private key", "-----BEGIN ".utf8, .keyBlock),
      SecretRule("password in a URL", "://".utf8, .address),
    ]
}
