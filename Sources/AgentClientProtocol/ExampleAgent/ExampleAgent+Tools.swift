import JSONText

extension ExampleAgent {
  /// Thinks aloud.
  func explain(_ message: String, _ sessionID: String) {
    send(sessionID, "agent_thought_chunk") { update in
      update.add("content") {
        $0.add("type", "text")
        $0.add("text", "A greeting should name whom it greets. ")
      }
      update.add("messageId", "\(message)-thought")
    }
    say("The greeting names nobody yet, so it is extended. ", message, sessionID)
  }

  /// Lets a made-up token slip, in two pieces.
  func leak(_ message: String, _ sessionID: String) {
    say("The token is ghp_exampleexample", message, sessionID)
    say("exampleexampleexample, by the way. ", message, sessionID)
  }

  /// Has the client change a file in the working directory, where it does that.
  func changeFile(_ message: String, _ sessionID: String) async {
    guard client["fs"]?["writeTextFile"]?.bool == true, let directory = workingDirectory(sessionID) else { return }
    let path = (directory == "/" ? "" : directory) + "/greeting.txt"
    func params(_ content: String? = nil) -> JSONText {
      JSONText {
        $0.add("sessionId", sessionID)
        $0.add("path", path)
        $0.add("content", content)
      }
    }
    let old = await ask("fs/read_text_file", params())?["content"]?.string ?? "Hello\n"
    let new = old.split(separator: "\n").map { "\($0), world\n" }.joined()
    let isWritten = await ask("fs/write_text_file", params(new)) != nil
    say(isWritten ? "The file greeting.txt is changed. " : "The file greeting.txt stays as it is. ", message, sessionID)
  }

  /// Has the client run a command, where it does that.
  func runCommand(_ message: String, _ sessionID: String) async {
    guard client["terminal"]?.bool == true else { return }
    let create = JSONText {
      $0.add("sessionId", sessionID)
      $0.add("command", "echo")
      $0.add("args", JSONText(array: ["Hello,", "world"].map { JSONText(string: $0) }))
    }
    guard let terminal = await ask("terminal/create", create)?["terminalId"]?.string else { return }
    let params = JSONText {
      $0.add("sessionId", sessionID)
      $0.add("terminalId", terminal)
    }
    _ = await ask("terminal/wait_for_exit", params)
    let output = await ask("terminal/output", params)?["output"]?.string ?? ""
    _ = await ask("terminal/release", params)
    say("The command has printed: \(output)", message, sessionID)
  }
}
