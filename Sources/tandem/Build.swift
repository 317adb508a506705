/// What this build is called.
enum Build {
  /// The version, as semver.
  static let version = "0.1.0"
}
