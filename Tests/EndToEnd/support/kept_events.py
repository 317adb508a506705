"""Events as they lie in Redis, put together as clients get them: `KeptEvent` of the nodes, written a second time."""

from datetime import UTC, datetime
from typing import Any


def whole_events(client: Any, session_id: str) -> list[dict[str, str]]:
    """A session's stream, oldest first: each entry's fields, its id as `entry`, its place in the count as `seq`, and
    as `data` the whole event."""
    entries = client.xrange(f"tandem:{{{session_id}}}:events")
    messages = dict(client.xrange(f"tandem:{{{session_id}}}:messages"))
    return [fields | whole(session_id, entry, fields, messages) for entry, fields in entries]


def whole(session_id: str, entry: str, fields: dict[str, str], messages: dict[str, dict[str, str]]) -> dict[str, str]:
    """What an entry alone does not say."""
    milliseconds, seq = entry.split("-")
    head, payload = fields["event"].split("\n", 1)
    place, kind, subject = head.split(" ")
    assert place == entry
    moment = datetime.fromtimestamp(int(milliseconds) // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    timestamp = f"{moment}.{int(milliseconds) % 1000:03}Z"
    if kind == "message_created":
        message = whole_message(session_id, messages[entry]["message"], timestamp)
        who = f'{{"id":"{subject}","sharedSessionId":"{session_id}",{payload[1:]}'
        payload = f'{{"message":{message},"participant":{who}}}'
    data = (
        f'{{"type":"{kind}","sharedSessionId":"{session_id}","timestamp":"{timestamp}","payload":{payload}}}'
    )
    return {"entry": entry, "seq": seq, "type": kind, "subject": subject, "data": data}


def whole_message(session_id: str, kept: str, timestamp: str) -> str:
    head, user, text = kept.split("\n", 2)
    identifier, author, kind, approval = head.split(" ")
    about = "" if approval == "-" else f',"approvalId":"{approval}"'
    return (
        f'{{"id":"{identifier}","sharedSessionId":"{session_id}","participantId":"{author}","authorUserId":{user},'
        f'"kind":"{kind}","text":{text},"createdAt":"{timestamp}"{about}}}'
    )


def set_rule(client: Any, session_id: str, place: int, value: int) -> None:
    """Changes a word of what a session's hash says in `state`: 2 when it ends, 3 when its keys go, in milliseconds."""
    key = f"tandem:{{{session_id}}}"
    words = client.hget(key, "state").split(" ")
    words[place] = str(value)
    client.hset(key, "state", " ".join(words))
