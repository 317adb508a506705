"""Prompts with images, files and links: two nodes, a real bridge and agent, and everybody who may look."""

from __future__ import annotations

import base64
import hashlib
import json

from support import shapes
from support.host import Host, spoken
from support.nodes import binary
from support.raw_http import exchange
from test_permission_requests import EXAMPLE, rest
from test_terminal import PLAIN_AGENT

PNG = bytes.fromhex("89504e470d0a1a0a") + bytes(range(256))
BLOCKS = [
    {"type": "text", "text": "Look at this"},
    {"type": "image", "data": base64.b64encode(PNG).decode(), "mimeType": "image/png", "name": 'sky "1".png'},
    {"type": "resource_link", "uri": "file:///plan.md", "name": "plan.md"},
    {"type": "resource", "resource": {"uri": "file:///notes.html", "text": "<b>hi</b>", "mimeType": "text/html"}},
]


def digest(content):
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def propose(shared, who, blocks=BLOCKS, **more):
    return shared.api.post(f"{shared.path}/prompts", {"content": blocks}, who, **more)


def decide(shared, approval, base=None, **fields):
    body = {"action": "approve", **fields}
    return shared.api.post(f"{shared.path}/approvals/{approval['id']}", body, shared.host, base=base)


def test_what_is_attached_is_seen_by_all_and_reaches_the_agent_as_it_was(processes, cluster):
    host = Host(processes, cluster.api, EXAMPLE, server=cluster.bases[0])
    shared = host.shared
    guest = shared.join()
    with shared.stream(base=cluster.bases[1]) as stream:
        approval = shapes.approval(propose(shared, guest, base=cluster.bases[0]).expect(200)["approval"])
        assert approval["prompt"] == "Look at this"
        frame = stream.until("prompt_pending_approval")[-1]
        assert frame.payload["approval"] == approval
        image = approval["content"][1]
        sha = hashlib.sha256(PNG).hexdigest()
        assert image == {
            "type": "image",
            "name": 'sky "1".png',
            "mimeType": "image/png",
            "size": len(PNG),
            "sha256": sha,
            "index": 1,
        }
        assert "iVBOR" not in json.dumps(frame.payload)
        for who in (guest, shared.host):
            reply = cluster.api.get(
                f"{shared.path}/approvals/{approval['id']}/content/1", who, base=cluster.bases[1]
            )
            assert reply.status == 200 and reply.content == PNG
            headers = reply.headers
            assert headers["content-type"] == "image/png" and headers["x-content-type-options"] == "nosniff"
            assert "sandbox" in headers["content-security-policy"]
            assert headers["content-disposition"].startswith('inline; filename="sky _1_.png"')
        page = cluster.api.get(f"{shared.path}/approvals/{approval['id']}/content/3", guest)
        headers = page.headers
        assert headers["content-type"] == "application/octet-stream"
        assert headers["content-disposition"].startswith("attachment")
        missing = cluster.api.get(f"{shared.path}/approvals/{approval['id']}/content/0", guest)
        missing.expect(404, "CONTENT_NOT_FOUND")
        decide(shared, approval, promptHash=digest([])).expect(409, "PROMPT_CHANGED")
        decide(shared, approval, cluster.bases[1], promptHash=digest(approval["content"])).expect(200)
        said = spoken(rest(stream))
    assert f"With: image image/png {len(PNG)} bytes, link file:///plan.md, file file:///notes.html 9 bytes." in said


def test_an_edit_leaves_blocks_out(processes, cluster):
    shared = Host(processes, cluster.api, EXAMPLE).shared
    with shared.stream() as stream:
        approval = propose(shared, shared.join()).expect(200)["approval"]
        decided = decide(shared, approval, editedPrompt="Only the image", dropContent=[2, 3]).expect(200)["approval"]
        assert [block.get("dropped", False) for block in decided["content"]] == [False, False, True, True]
        said = spoken(rest(stream))
    assert "Only the image" in said and f"With: image image/png {len(PNG)} bytes." in said and "link" not in said


def test_large_attachments_need_credentials_in_the_header_and_stay_within_their_bounds(processes, cluster):
    shared = Host(processes, cluster.api, EXAMPLE).shared
    guest = shared.join()
    large = {"type": "image", "data": base64.b64encode(bytes(2 << 20)).decode(), "mimeType": "image/png"}
    propose(shared, guest, [large] * 2).expect(200)
    # Neither is read: the answer comes before the body.
    for length, headers, status in ((1 << 20, {}, 400), (1 << 30, guest.header, 413)):
        lines = [f"POST {shared.path}/prompts HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in headers.items()] + [f"Content-Length: {length}"]
        reply = exchange(cluster.bases[0], "\r\n".join([*lines, "", ""]).encode())
        assert reply.status == status, reply.content
    beyond = {**large, "data": base64.b64encode(bytes((2 << 20) + 3)).decode()}
    propose(shared, guest, [beyond]).expect(413, "ATTACHMENT_TOO_LARGE")
    approvals = cluster.api.get(shared.path, guest, base=cluster.bases[1]).expect(200)["approvals"]
    assert len(approvals) == 1 and len(json.dumps(approvals)) < 4_000


def test_what_an_agent_does_not_take_is_refused_by_its_kind(processes, cluster):
    shared = Host(processes, cluster.api, PLAIN_AGENT).shared
    refused = propose(shared, shared.join()).expect(409, "CONTENT_NOT_SUPPORTED")
    assert "'image'" in refused["error"]
    propose(shared, shared.join(), [BLOCKS[0], BLOCKS[2]]).expect(200)


def test_votes_run_a_prompt_once_enough_agree(processes, cluster):
    shared = Host(processes, cluster.api, [binary(), "example-agent"]).shared
    patched = cluster.api.patch(shared.path, {"approvalsNeeded": 2}, shared.host).expect(200)["session"]
    assert shapes.session(patched)["approvalsNeeded"] == 2
    cluster.api.patch(shared.path, {"approvalsNeeded": 11}, shared.host).expect(400, "INVALID_FIELD")
    dora, guest = shared.delegate(), shared.join()
    with shared.stream(base=cluster.bases[1]) as stream:
        approval = shared.prompt("together", guest)
        first = decide(shared, approval, cluster.bases[0]).expect(200)["approval"]
        assert (first["status"], first["votes"]) == ("pending", 1)
        decide(shared, approval, cluster.bases[1]).expect(409, "ALREADY_VOTED")
        told = stream.until("prompt_vote")[-1].payload
        assert (told["approvalId"], told["votes"], told["needed"]) == (approval["id"], 1, 2)
        assert told["participant"]["id"] == shared.host.id
        shared.resolve(approval["id"], who=dora)
        assert "the greeting is friendlier now" in spoken(rest(stream))
