"""The list of shared sessions: filters, order and pages."""

from __future__ import annotations

import pytest

from support import shapes
from support.scenario import ROOT, register_host, share, unique


def listed(api, **query):
    reply = api.get(ROOT, query=query).expect(200)
    assert set(reply) <= {"sessions", "nextCursor"}
    return [shapes.session(s)["id"] for s in reply["sessions"]]


def test_newest_first(api):
    agent = register_host(api)
    made = [share(api, agent).id for _ in range(5)]
    assert listed(api, hostSessionId=agent.id) == made[::-1]
    everything = listed(api)
    assert [s for s in everything if s in made] == made[::-1]


def test_filters_are_exact_and_combined(api):
    red, blue = unique("red"), unique("blue")
    one, two = register_host(api), register_host(api)
    a = share(api, one, workspaceId=red)
    b = share(api, one, workspaceId=blue)
    c = share(api, two, workspaceId=red)
    a.close()
    assert listed(api, workspaceId=red) == [c.id, a.id]
    assert listed(api, hostSessionId=one.id) == [b.id, a.id]
    assert listed(api, workspaceId=red, hostSessionId=one.id) == [a.id]
    assert listed(api, workspaceId=red, status="active") == [c.id]
    assert listed(api, workspaceId=red, status="closed") == [a.id]
    assert listed(api, workspaceId=red, hostSessionId=one.id, status="closed") == [a.id]
    assert listed(api, workspaceId=red, hostSessionId=one.id, status="active") == []
    assert listed(api, workspaceId=red, status="expired") == []
    assert listed(api, workspaceId=red[:-1]) == [] and listed(api, workspaceId=red.upper()) == []


def test_an_empty_value_is_no_filter(api):
    workspace = unique("w")
    made = share(api, workspaceId=workspace).id
    assert listed(api, workspaceId=workspace, hostSessionId="", status="") == [made]
    assert made in listed(api, workspaceId="", status="active")


def test_pages_hold_every_session_once(api):
    agent = register_host(api)
    made = [share(api, agent).id for _ in range(11)]
    seen, cursor = [], ""
    while True:
        page = api.get(ROOT, query={"hostSessionId": agent.id, "limit": 4, "cursor": cursor}).expect(200)
        assert 0 < len(page["sessions"]) <= 4 or not page.get("nextCursor")
        seen += [s["id"] for s in page["sessions"]]
        cursor = page.get("nextCursor")
        if not cursor:
            break
    assert seen == made[::-1]


def test_a_session_made_between_two_pages_shifts_nothing(api):
    agent = register_host(api)
    made = [share(api, agent).id for _ in range(4)]
    query = {"hostSessionId": agent.id, "limit": 2}
    first = api.get(ROOT, query=query).expect(200)
    share(api, agent)
    second = api.get(ROOT, query=query | {"cursor": first["nextCursor"]}).expect(200)
    assert [s["id"] for s in first["sessions"] + second["sessions"]] == made[::-1]


@pytest.mark.parametrize(
    "query", [{"status": "open"}, {"limit": "x"}, {"limit": "0"}, {"limit": "-3"}, {"limit": "501"}, {"cursor": "{*}"}]
)
def test_a_query_that_makes_no_sense_is_refused(api, query):
    api.get(ROOT, query=query).expect(400, "INVALID_QUERY")


def test_a_long_list_comes_in_pages_of_a_hundred(cluster):
    api = cluster.api
    agent = register_host(api)
    made = [share(api, agent).id for _ in range(103)]
    assert listed(api, hostSessionId=agent.id) == made[:2:-1]
    assert listed(api, hostSessionId=agent.id, limit=500) == made[::-1]
