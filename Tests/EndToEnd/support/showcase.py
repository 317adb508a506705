"""A session worth looking at, played on real nodes: for pictures, and for whoever works on the page."""

from __future__ import annotations

from typing import Any

from .agent_updates import message, send, thought, tool
from .bridge import Bridge
from .client import API
from .scenario import Shared, share

BEFORE = """import Foundation

/// Reads words and strings.
struct Tokenizer {
  var text: Substring

  mutating func string() throws -> String {
    var result = ""
    text.removeFirst()
    while let character = text.popFirst() {
      if character == "\\"" { return result }
      result.append(character)
    }
    throw TokenizerError.unterminated
  }

  mutating func word() -> String {
    let word = text.prefix { $0.isLetter }
    text.removeFirst(word.count)
    return String(word)
  }
}
"""
AFTER = BEFORE.replace(
    "      result.append(character)\n",
    '      result.append(character == "\\\\" ? try escape() : character)\n',
).replace(
    "  mutating func word()",
    "  /// The character that an escape stands for.\n  private mutating func escape() throws -> Character {\n"
    '    switch text.popFirst() {\n    case "n": "\\n"\n    case "t": "\\t"\n'
    "    default: throw TokenizerError.unknownEscape\n"
    "    }\n  }\n\n  mutating func word()",
)
TESTS = 'import Testing\n\n@Test func escapesAreRead() throws {\n  #expect(try read(#""a\\n""#) == "a\\n")\n}\n'
OUTPUT = (
    "\x1b[1mTest run started.\x1b[0m\n\x1b[32m\u2714\x1b[0m wordsAreRead() passed\n"
    "\x1b[32m\u2714\x1b[0m escapesAreRead() passed\n\x1b[32m\u2714 13 tests passed\x1b[0m after 0.1 seconds.\n"
)
ANSWER = """The tokenizer reads escapes now, in **one place**:

| Escape | Before | After |
|---|---|---|
| `\\n` | two characters | a line feed |
| `\\t` | two characters | a tab |

```swift
case "n": "\\n"   // a line feed
default: throw TokenizerError.unknownEscape
```

All 13 tests pass. An unknown escape is an error, not a guess.
"""


def play(api: API, base: str) -> tuple[Shared, Bridge]:
    """Three people, a turn that is done, one that runs and asks, and a proposal that waits."""
    shared = share(api, hostDisplayName="Ada")
    grace, linus = shared.join("grace", displayName="Grace"), shared.join("linus", displayName="Linus")
    shared.join("vera", "viewer", displayName="Vera")
    agent = Bridge(api, shared.agent, base)
    shared.comment("There is a failing test for escapes in strings.", grace)
    proposed = shared.prompt("Make the tokenizer read escapes.", grace)
    shared.resolve(proposed["id"], editedPrompt="Make the tokenizer read \\n and \\t, with tests. Keep its public API.")
    dispatch = agent.take()
    agent.start(dispatch)
    plan = [("Read the tokenizer", "completed"), ("Handle the escapes", "completed"), ("Add tests", "completed")]
    send(
        shared,
        {"sessionUpdate": "session_info_update", "title": "Escapes in the tokenizer"},
        {"sessionUpdate": "plan", "entries": [{"content": c, "priority": "high", "status": s} for c, s in plan]},
        thought("Strings are read in one function, so that is where escapes belong."),
        tool("1", "Read Tokenizer.swift", kind="read", status="completed",
             locations=[{"path": "Sources/Tokenizer.swift"}]),
        tool("2", "Edit Tokenizer.swift", kind="edit", status="completed",
             content=[diff("Sources/Tokenizer.swift", BEFORE, AFTER)]),
        tool("3", "Edit TokenizerTests.swift", kind="edit", status="completed",
             content=[diff("Tests/TokenizerTests.swift", None, TESTS)]),
        tool("4", "swift test", kind="execute", status="completed", rawInput={"command": "swift test"},
             content=[{"type": "content", "content": {"type": "text", "text": OUTPUT}}]),
        message(ANSWER, "answer"),
        {"sessionUpdate": "usage_update", "used": 34_000, "size": 200_000},
    )  # fmt: skip
    agent.complete(dispatch)
    shared.comment("Lovely. Next the documentation?", linus)
    shared.prompt("Describe escapes in the README, with an example.", linus)
    shared.prompt("Remove what the old tokenizer left behind")
    dispatch = agent.take()
    agent.start(dispatch)
    send(shared, message("I found two files that nothing uses.\n", "found"))
    ask(
        shared,
        dispatch,
        title="Delete old files",
        kind="execute",
        rawInput={"command": "git rm -r Sources/OldTokenizer"},
    )
    return shared, agent


def diff(path: str, before: str | None, after: str) -> dict[str, Any]:
    return {"type": "diff", "path": path, "newText": after} | ({"oldText": before} if before else {})


def ask(shared: Shared, dispatch: dict[str, Any], **call: Any) -> None:
    options = [("o", "Allow once", "allow_once"), ("r", "Reject", "reject_once")]
    body = {
        "dispatchId": dispatch["dispatchId"],
        "toolCall": {"toolCallId": "ask"} | call,
        "options": [{"optionId": id, "name": name, "kind": kind} for id, name, kind in options],
    }
    shared.api.post(f"/api/host-sessions/{shared.agent.id}/permissions", body, shared.agent).expect(201)
