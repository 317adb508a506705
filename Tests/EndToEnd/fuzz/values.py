"""Values for fields, queries and headers: right, nearly right, and meant to harm."""

from __future__ import annotations

import random
import string
from typing import Any

HOSTILE_TEXT = [
    "", " ", "\t", "\n", "\u00a0\u2003", "x", "x" * 129, "x" * 1100, "x" * 17_000, "{}", "{x}", "a{b}c", "*", "?",
    "\u0000", "a\u0000b", "\u001b[31m", "\u007f", "\u0085", "\u2028\u2029", "\u202egnp.exe", "\u200b", "\ufeff",
    "\ud7ff",
    "\ufffd", "\uffff", "e\u0301", "é" * 200, "😀" * 70, "👩‍👩‍👧‍👦", "..", "../..", "%00", "%2e%2e", "%zz", "a/b",
    "\\", '"', "'",
    "' -- ]]", "<script>", "a\r\nX-Evil: 1", "data: x\n\nid: 1-1\n\n", "$(reboot)", "-", "-1", "0", "1-0",
    "earliest", "null",
    "true", "NaN", "1e999", "99999999999999999999", "00000000-0000-4000-8000-000000000000", "tandem:{x}:session",
]  # fmt: skip
HOSTILE: list[Any] = [
    None, True, False, 0, -0.0, -1, 1, 1.5, 2**31, 2**53 + 1, 2**63, 10**30, 1e300, [], {}, [None], [[[]]],
    {"a": {}},
    {"": ""}, [{}] * 40, {"a": {"b": {"c": {"d": [1, {"e": None}]}}}},
]  # fmt: skip
RAW = [
    b"-0", b"1e999", b"1E+5", b"0.1e-7", b"01", b"+1", b".5", b"1.", b"NaN", b"nul", b"tru", b"'x'", b'"\\x"',
    b'"\\ud800"', b'"\\ud83d\\ude00"', b'"\\u0000"', b'"\xff"', b'"\xed\xa0\x80"', b"[" * 33 + b"]" * 33,
    b"[" * 5000,
    b'{"a":' * 20 + b"1" + b"}" * 20, b'"unclosed', b"/**/1", b"",
]  # fmt: skip
CURSORS = [
    "earliest", "EARLIEST", "latest", "$", "-", "+", "0", "0-0", "1", "1-0", "1-1", "-1", "-1--1", "1-", "-1-1",
    "1-0-0", "01-00",
    "18446744073709551615-18446744073709551615", "18446744073709551616-0", "9999999999999-0", "0-1", "1-0,",
    ",", ",,", " 1-0", "1-0 ",
    "1-0\t", "é-1", "１-０", "*", "(1-0", "null", "[]", "1e3-0", "0x1-0", "%31-0", "x" * 500, "",
]  # fmt: skip
TYPES = [
    "message_created", "connected", "message_created,session_closed", ",", "", "nonsense",
    "message_created,nonsense", "*",
    "host_session_update", "participant_online,participant_offline", "message_created," * 200, "é",
    " message_created",
]  # fmt: skip


def text(chance: random.Random) -> str:
    match chance.randrange(6):
        case 0:
            return chance.choice(HOSTILE_TEXT)
        case 1:
            letters = [9, 32, 65, 0x300, 0xE9, 0x2603, 0x1F600]
            return "".join(chr(chance.choice(letters)) for _ in range(chance.randrange(40)))
        case 2:
            return chance.choice(HOSTILE_TEXT) + chance.choice(string.ascii_letters) + chance.choice(HOSTILE_TEXT)
        case _:
            return "".join(chance.choices(string.ascii_lowercase + " ", k=chance.randrange(1, 30))) + "x"


def anything(chance: random.Random) -> Any:
    return chance.choice(HOSTILE) if chance.random() < 0.5 else text(chance)


def fitting(chance: random.Random, schema: dict[str, Any]) -> Any:
    """A value that the schema takes."""
    if "enum" in schema:
        return chance.choice(schema["enum"])
    match schema.get("type"):
        case "integer":
            return chance.choice([0, 1, 2, 5, 60, 500, 10_000])
        case "boolean":
            return chance.random() < 0.5
        case "array":
            update = {"jsonrpc": "2.0", "method": "session/update"}
            return [update | {"params": {"n": n}} for n in range(chance.randrange(4))]
        case "object":
            return {name: fitting(chance, inner) for name, inner in schema.get("properties", {}).items()} or {"a": [1]}
        case _:
            return text(chance) if chance.random() < 0.3 else "".join(chance.choices(string.ascii_lowercase, k=8))
