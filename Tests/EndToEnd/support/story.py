"""What Redis holds of a session, and what must hold of it whatever has happened."""

from __future__ import annotations

import json
from typing import Any

from .scenario import Shared


def check_story(cluster: Any, shared: Shared) -> list[dict[str, str]]:
    """The session's stream as it lies in Redis: contiguous sequence numbers, rising entries."""
    stored = cluster.redis.stored_events(shared.id)
    assert [e["seq"] for e in stored] == [str(n + 1) for n in range(len(stored))]
    entries = [tuple(map(int, e["entry"].split("-"))) for e in stored]
    assert entries == sorted(set(entries))
    return stored


def events(cluster: Any, shared: Shared) -> list[tuple[str, dict[str, Any]]]:
    """Type and payload of every event, oldest first; the story is checked as well."""
    return [(e["type"], json.loads(e["data"])["payload"]) for e in check_story(cluster, shared)]
