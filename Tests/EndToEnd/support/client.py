"""A small HTTP client for one or several nodes, and what every answer of the service must keep.

With several nodes each request goes to the next one, so that any scenario run through it also shows that nodes share
everything. Every answer is checked against the promises that hold for all of them: JSON with the right content type,
no `null` anywhere, errors as `{error, code}`, and never a 5xx unless the test says that it expects one.
"""

from __future__ import annotations

import http.client
import itertools
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

#: Seconds a single request may take before the test fails.
REQUEST_TIMEOUT = 30.0

CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")


@dataclass(frozen=True)
class Credentials:
    """A participant's id and access token."""

    id: str
    token: str

    @property
    def header(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.id}.{self.token}"}

    @property
    def body(self) -> dict[str, str]:
        return {"participantId": self.id, "participantToken": self.token}


@dataclass(frozen=True)
class HostToken:
    """A host session's id and token."""

    id: str
    token: str

    @property
    def header(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True)
class APIKey:
    """An API key."""

    key: str

    @property
    def header(self) -> dict[str, str]:
        return {"X-API-Key": self.key}


@dataclass
class Reply:
    """One answer, already checked against what holds for all answers."""

    method: str
    path: str
    status: int
    headers: dict[str, str]
    content: bytes
    _parsed: Any = field(default=None, repr=False)

    @property
    def json(self) -> Any:
        if self._parsed is None:
            self._parsed = json.loads(self.content)
        return self._parsed

    def expect(self, status: int, code: str | None = None) -> Any:
        """The parsed body, when status (and error code) are these."""
        shown = self.content[:400].decode("utf-8", "replace")
        assert self.status == status, f"{self.method} {self.path}: {self.status}, not {status}: {shown}"
        if code is not None:
            assert self.json["code"] == code, f"{self.method} {self.path}: not {code}: {shown}"
        return self.json if self.content else None


def check_error_body(status: int, headers: dict[str, str], content: bytes, about: str) -> dict[str, str]:
    """The promise about errors: JSON, exactly `error` (a sentence) and `code`, in the right content type."""
    assert headers.get("content-type", "").split(";")[0] == "application/json", f"{about}: {status} {headers}"
    body = json.loads(content)
    assert set(body) == {"error", "code"}, f"{about}: {body}"
    assert isinstance(body["error"], str) and len(body["error"]) > 5, f"{about}: {body}"
    assert CODE.fullmatch(body["code"]), f"{about}: {body}"
    return body


def check_no_null(value: Any, about: str) -> None:
    """Fields without a value are left out of a reply, never `null`."""
    assert value is not None, f"{about}: a null in the reply"
    if isinstance(value, dict):
        for name, inner in value.items():
            check_no_null(inner, f"{about}.{name}")
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            check_no_null(inner, f"{about}[{at}]")


class API:
    """Requests to one node, or to the next of several with each request."""

    def __init__(self, bases: list[str]) -> None:
        self.bases = bases
        self._turn = itertools.cycle(bases)

    def next_base(self) -> str:
        return next(self._turn)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        who: Any = None,
        *,
        headers: dict[str, str] | None = None,
        query: dict[str, Any] | None = None,
        raw: bytes | None = None,
        base: str | None = None,
        server_error: bool = False,
    ) -> Reply:
        address = urlsplit(base or self.next_base())
        if query:
            path += "?" + urlencode(query)
        sent = {"Accept": "application/json"}
        content = raw
        if raw is not None or body is not None:
            sent["Content-Type"] = "application/json"
            content = raw if raw is not None else json.dumps(body, ensure_ascii=False).encode()
        if who is not None:
            sent |= who.header
        sent |= headers or {}
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=REQUEST_TIMEOUT)
        try:
            connection.request(method, path, body=content, headers=sent)
            answer = connection.getresponse()
            received = {name.lower(): value for name, value in answer.getheaders()}
            reply = Reply(method, path, answer.status, received, answer.read())
        finally:
            connection.close()
        self._check(reply, server_error)
        return reply

    @staticmethod
    def _check(reply: Reply, server_error: bool) -> None:
        about = f"{reply.method} {reply.path}"
        assert server_error or reply.status < 500, f"{about}: {reply.status} {reply.content[:400]!r}"
        if reply.status >= 400:
            check_error_body(reply.status, reply.headers, reply.content, about)
        elif reply.headers.get("content-type", "").startswith("application/json"):
            check_no_null(reply.json, about)

    def get(self, path: str, who: Any = None, **more: Any) -> Reply:
        return self.request("GET", path, None, who, **more)

    def post(self, path: str, body: Any = None, who: Any = None, **more: Any) -> Reply:
        return self.request("POST", path, {} if body is None and "raw" not in more else body, who, **more)

    def patch(self, path: str, body: Any, who: Any = None, **more: Any) -> Reply:
        return self.request("PATCH", path, body, who, **more)

    def delete(self, path: str, who: Any = None, body: Any = None, **more: Any) -> Reply:
        return self.request("DELETE", path, body, who, **more)
