internal import Basics
internal import Crypto
internal import Foundation
import NIOCore

/// One idempotent request made ready for a script. A value.
///
/// Redis keeps the digest of the request and the reply without tokens; the tokens are kept sealed with AES-GCM under a key derived
/// from the Idempotency-Key and the caller, neither of which is stored. So only somebody who repeats the request
/// with both can read them again.
struct Idempotency: Sendable {
  /// Names the request among all others: route, caller and key.
  let name: String
  /// The digest of what was asked; another body with the same key has another one.
  let requestDigest: String
  private let sealingKey: SymmetricKey

  init(_ request: IdempotencyRequest) {
    let identity = Secrets.digest(of: [
      Array(request.route.utf8), Array(request.caller.utf8), Array(request.key.utf8),
    ])
    name = Hexadecimal.encode(identity)
    requestDigest = Hexadecimal.encode(
      Secrets.digest(of: [Array(request.route.utf8), Array(request.body.readableBytesView)]))
    sealingKey = HKDF<SHA256>.deriveKey(
      inputKeyMaterial: SymmetricKey(data: Data((request.key + "\u{0}" + request.caller).utf8)),
      salt: Data("tandem idempotency".utf8), info: Data(request.route.utf8), outputByteCount: 32)
  }

  /// What `include_answer.lua` is told of the request.
  func argument(sealing tokens: [String], _ settings: SharedSessionSettings) throws(SharedSessionError) -> String {
    let sealed = tokens.isEmpty ? "-" : try seal(tokens)
    return
      "\(name) \(requestDigest) \(sealed) \(settings.idempotencyLifetime.wholeMilliseconds) \(settings.maximumAnswers) \(settings.answerBytesRetained)"
  }

  /// What a batch of notifications is remembered by: its name and the digest of what it says, both shortened.
  var batch: String { "\(name.prefix(32))@\(requestDigest.prefix(32))" }

  /// An id that every repeat of this request derives again.
  func derivedID(_ purpose: String) -> String {
    Secrets.id(from: Secrets.digest(of: [Array(purpose.utf8), Array(name.utf8)]))
  }

  /// Seals tokens for the kept reply, as base64.
  func seal(_ tokens: [String]) throws(SharedSessionError) -> String {
    do {
      guard let sealed = try AES.GCM.seal(Data(tokens.joined(separator: " ").utf8), using: sealingKey).combined else {
        throw SharedSessionError(.internalError)
      }
      return sealed.base64EncodedString()
    } catch { throw SharedSessionError(.internalError) }
  }

  /// Opens what `seal` made.
  func open(_ sealed: String) throws(SharedSessionError) -> [String] {
    do {
      guard let data = Data(base64Encoded: sealed) else { throw SharedSessionError(.internalError) }
      let text = try AES.GCM.open(AES.GCM.SealedBox(combined: data), using: sealingKey)
      return String(decoding: text, as: UTF8.self).split(separator: " ").map(String.init)
    } catch { throw SharedSessionError(.internalError) }
  }
}
