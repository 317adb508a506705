"""Messages: what is kept, in which order, and paging."""

from __future__ import annotations

import hashlib

import pytest

from support import shapes
from support.scenario import share

#: Text that breaks careless JSON building, SSE framing, trimming or Lua string handling.
AWKWARD = [
    "plain",
    "two\nlines\r\nand more\n\ndata: x",
    'quotes " and \\ backslash',
    "id: 1-0\ndata: {}",
    "line\u2028separators\u2029and\u0085next line",
    "emoji 👩‍👩‍👧 and עברית and \u202eright to left",
    "tab\tand\u0001control",
    "%s %d {0} $1 \\u0041",
    "]]> </script>",
    "1e400",
    "null",
    "a byte order mark within \ufeff text",
]


@pytest.mark.parametrize("text", AWKWARD)
def test_text_comes_back_as_it_was_sent(api, text):
    shared = share(api)
    with shared.stream() as stream:
        message = shapes.message(shared.comment(text))
        assert message["text"] == text
        event = stream.expect("message_created")
        assert event.payload["message"] == message
        assert shapes.participant(event.payload["participant"])["id"] == shared.host.id
        assert shapes.event(event.event)["sharedSessionId"] == shared.id
    with shared.stream(since="earliest") as again:
        assert again.until("message_created")[-1].data == event.data
    assert api.get(f"{shared.path}/messages").expect(200)["messages"] == [message]


@pytest.mark.parametrize(
    ("sent", "kept"), [("  x ", "x"), ("\n\t x \u00a0y\r\n", "x \u00a0y"), ("x\u2028", "x")]
)
def test_white_space_around_a_text_is_not_kept(api, sent, kept):
    shared = share(api)
    assert shared.comment(sent)["text"] == kept
    pending = shared.prompt(sent, shared.join())
    assert pending["prompt"] == kept
    body = {"action": "approve", "promptHash": hashlib.sha256(kept.encode()).hexdigest(), "editedPrompt": sent}
    approved = api.post(f"{shared.path}/approvals/{pending['id']}", body, shared.host).expect(200)["approval"]
    assert approved["editedPrompt"] == kept
    texts = [m["text"] for m in api.get(f"{shared.path}/messages").expect(200)["messages"]]
    assert texts == [kept, kept]


@pytest.mark.parametrize("text", ["", "  ", "\n\t "])
def test_blank_text_is_refused_before_anything_else(api, text):
    nowhere = "/api/shared-sessions/00000000-0000-4000-8000-000000000000"
    for path in (share(api).path, nowhere):
        api.post(f"{path}/messages", {"text": text}).expect(400, "EMPTY_MESSAGE")
        api.post(f"{path}/prompts", {"prompt": text}).expect(400, "EMPTY_PROMPT")


@pytest.mark.parametrize(
    ("route", "field", "limit"), [("messages", "text", 16 * 1024), ("prompts", "prompt", 64 * 1024)]
)
def test_the_size_limit_counts_bytes_of_utf8(api, route, field, limit):
    shared = share(api)
    api.post(f"{shared.path}/{route}", {field: "é" * (limit // 2)}, shared.host).expect(200)
    api.post(f"{shared.path}/{route}", {field: "é" * (limit // 2) + "x"}, shared.host).expect(400, "INVALID_FIELD")
    api.post(f"{shared.path}/{route}", {field: "nul \u0000 inside"}, shared.host).expect(400, "INVALID_FIELD")


def test_messages_are_paged_oldest_first_without_gap_or_double(api):
    shared = share(api)
    sent = [shared.comment(f"message {n}")["id"] for n in range(23)]
    assert [m["id"] for m in api.get(f"{shared.path}/messages").expect(200)["messages"]] == sent
    seen, cursor, pages = [], None, 0
    while True:
        query = {"limit": 5} | ({"after": cursor} if cursor else {})
        page = api.get(f"{shared.path}/messages", query=query).expect(200)
        assert set(page) <= {"messages", "nextCursor"} and len(page["messages"]) <= 5
        seen += [shapes.message(m)["id"] for m in page["messages"]]
        pages += 1
        cursor = page.get("nextCursor")
        if not cursor:
            break
    assert seen == sent and pages in (5, 6)


@pytest.mark.parametrize(
    "query", [{"limit": "many"}, {"limit": "-1"}, {"limit": "0"}, {"limit": "1.5"}, {"after": "{x}"}]
)
def test_a_malformed_page_is_refused(api, query):
    api.get(f"{share(api).path}/messages", query=query).expect(400)


def test_an_empty_session_has_no_messages(api):
    assert api.get(f"{share(api).path}/messages").expect(200) == {"messages": []}
