"""Requests as bytes: of a known route, with right, nearly right and hostile parts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from . import values
from .framing import broken, chunked
from .routes import Route
from .world import World

#: What ends the session for everybody, or changes who is who, is rare: the rest would only meet what is gone.
ENDINGS = {"closeSession", "deleteHostSession", "leaveSession", "handOver", "removeParticipant"}


@dataclass
class Request:
    """`is_whole` says that it is proper HTTP, so that it must be answered."""

    method: str
    data: bytes
    is_whole: bool = True
    is_stream: bool = False
    tells_positions: bool = False


class Maker:
    """Makes requests for one worker."""

    def __init__(self, world: World, routes: list[Route], authority: str) -> None:
        self.world = world
        self.chance = world.chance
        self.routes = routes
        self.weights = [1 if route.operation in ENDINGS else 20 for route in routes]
        self.streams = [route for route in routes if route.is_stream]
        self.authority = authority

    def request(self, route: Route | None = None) -> Request:
        """One of any route, or of this one."""
        chance = self.chance
        route = route or chance.choices(self.routes, self.weights)[0]
        method = route.method
        if chance.random() < 0.03:
            method = chance.choice(["PUT", "HEAD", "OPTIONS", "TRACE", "GET", "PATCH"])
        headers = self._headers(route)
        body = self._body(route, headers) if method in ("POST", "PATCH", "DELETE", "PUT") else b""
        target = self.path(route) + self._query(route)
        return self._framed(route, method, target, headers, body)

    def _framed(self, route: Route, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Request:
        """The bytes: a declared length or chunks, and now and then broken on purpose."""
        chance = self.chance
        if body or method in ("POST", "PATCH"):
            if chance.random() < 0.7:
                headers = [*headers, ("Content-Length", str(len(body)))]
            else:
                headers, body = [*headers, ("Transfer-Encoding", "chunked")], chunked(chance, body)
        chance.shuffle(headers)
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.authority}", *(f"{n}: {v}" for n, v in headers)]
        data = "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogatepass") + body
        # A line end in a hostile value makes headers of its own: what that is, the node decides.
        is_whole = not any("\n" in v or "\r" in v or "\0" in v for _, v in headers) and len(data) < 14_000
        tells_positions = route.operation == "streamSessions"
        if chance.random() < 0.12:
            return Request(method, broken(chance, data), False, route.is_stream, tells_positions)
        return Request(method, data, is_whole, route.is_stream, tells_positions)

    def path(self, route: Route) -> str:
        world, chance = self.world, self.chance
        odd = chance.random()
        ids = {
            "{id}": world.shared.id,
            "{hid}": world.agent.id,
            "{pid}": world.person().id,
            "{aid}": world.pick("approval"),
            "{did}": world.pick("dispatch"),
            "{iid}": world.pick("invite")[:36],
            "{n}": str(chance.randrange(10)),
        }
        path = route.path
        for name, value in ids.items():
            if name in path:
                if odd < 0.05:
                    value = quote(values.text(chance), safe=chance.choice(["", "%", "/"]))
                elif odd < 0.08:
                    value = world.steady.id
                path = path.replace(name, value)
        if chance.random() < 0.02:
            absolute = f"http://{self.authority}{path}"
            path = chance.choice([path + "/", "/" + path, path.upper(), path + ";x", absolute, path + "%00"])
        return path

    def _headers(self, route: Route) -> list[tuple[str, str]]:
        world, chance = self.world, self.chance
        headers: list[tuple[str, str]] = []
        match chance.randrange(12):
            case 0:
                pass
            case 1:
                token = values.text(chance).replace("\r", "").replace("\n", "")
                headers.append(("Authorization", chance.choice(["Bearer ", "bearer", "Basic ", ""]) + token))
            case 2:
                headers.append(("Authorization", f"Bearer {world.person().id}.{world.agent.token}"))
            case _:
                who = world.agent if route.is_host_session else self._caller(route)
                headers += list(who.header.items())
        if route.method == "POST" and chance.random() < 0.15:
            keys = ["", "k" * 22, "k" * 65, "é", "a b", f"fuzz-{chance.randrange(40):022}", f"key-{chance.random()}"]
            headers.append(("Idempotency-Key", chance.choice(keys)))
        if route.is_stream and chance.random() < 0.6:
            headers.append(("Last-Event-ID", self.cursor(route.operation == "streamSessions")))
        if chance.random() < 0.08:
            headers.append(
                chance.choice(
                    [
                        ("X-API-Key", values.text(chance)),
                        ("X-Forwarded-For", values.text(chance)),
                        ("Accept", "text/html"),
                        ("Accept-Encoding", "gzip, deflate, br"),
                        ("Connection", chance.choice(["close", "keep-alive", "upgrade"])),
                        ("Cookie", values.text(chance)),
                        ("X-" + "y" * chance.randrange(1, 300), "z" * chance.randrange(2000)),
                        ("Range", "bytes=0-1"),
                        ("If-None-Match", "*"),
                    ]
                )
            )
        return headers

    def _caller(self, route: Route) -> Any:
        hosts_only = {"updateSession", "changeRole", "rotateInvite", "createInvite", "cancelTurn", "listInvites"}
        return self.world.shared.host if route.operation in hosts_only else self.world.person()

    def cursor(self, is_combined: bool = False) -> str:
        """A cursor as a stream may be asked to go on from."""
        chance = self.chance
        if is_combined and chance.random() < 0.6:
            return chance.choice([",", ",", ", ", ";"]).join(self.cursor() for _ in range(chance.randrange(1, 4)))
        known = self.world.pick("cursor", "0-1")
        match chance.randrange(4):
            case 0:
                return known
            case 1:
                milliseconds, _, sequence = known.partition("-")
                moved = chance.choice([-1000, -1, 0, 1, 1000])
                number = int(milliseconds) + moved if milliseconds.isascii() and milliseconds.isdigit() else moved
                return f"{number}-{sequence or 0}"
            case 2:
                return "earliest"
            case _:
                return chance.choice(values.CURSORS)

    def _query(self, route: Route) -> str:
        world, chance = self.world, self.chance
        parts: list[tuple[str, str]] = []
        for name, schema in route.query.items():
            if chance.random() < (0.8 if name == "session" else 0.35):
                match name:
                    case "session":
                        parts += [(name, self.ask()) for _ in range(chance.choice([1, 1, 2, 2, 3, 34]))]
                        continue
                    case "types":
                        value = chance.choice(values.TYPES)
                    case "lastEventId":
                        value = self.cursor(route.operation == "streamSessions")
                    case "after" | "cursor":
                        value = world.pick(chance.choice(["page", "cursor"]), "x")
                    case _:
                        value = str(values.fitting(chance, schema))
                parts.append((name, value if chance.random() < 0.85 else values.text(chance)))
        if route.operation == "streamSession" and chance.random() < 0.3:
            who = world.person()
            parts += chance.choice(
                [
                    [("participantId", who.id), ("participantToken", who.token)],
                    [("ticket", world.pick("ticket", "x"))],
                    [("participantId", who.id)],
                ]
            )
        if chance.random() < 0.03:
            parts.append((values.text(chance), values.text(chance)))
        if not parts:
            odd = ["?", "?&&=", "?a", "?%", "?=&=", "?" + "a=b&" * 200]
            return "" if chance.random() < 0.97 else chance.choice(odd)
        safe = chance.choice(["", ",", ",-._"])
        return "?" + "&".join(f"{quote(n, safe='')}={quote(v, safe=safe)}" for n, v in parts)

    def ask(self) -> str:
        """One session as a combined stream takes it."""
        world, chance = self.world, self.chance
        shared, who = chance.choice([(world.shared, world.person()), (world.steady, world.steady.host)])
        credential = f"{who.id}.{who.token}" if chance.random() < 0.8 else world.pick("ticket", "none")
        ask = f"{shared.id},{credential}" + (f",{self.cursor()}" if chance.random() < 0.6 else "")
        odd = [ask[: chance.randrange(len(ask))], ask + ",", values.text(chance)]
        return ask if chance.random() < 0.9 else chance.choice(odd)

    def _body(self, route: Route, headers: list[tuple[str, str]]) -> bytes:
        chance = self.chance
        kind = "application/json"
        if chance.random() < 0.04:
            kinds = ["text/plain", "application/json; charset=utf-16", "", "application/x-ndjson", "a/b;" * 30]
            kind = chance.choice(kinds)
        headers.append(("Content-Type", kind))
        body = {
            name: self._field(name, schema)
            for name, schema in route.fields.items()
            if chance.random() < (0.97 if name in route.required else 0.6)
        }
        if chance.random() < 0.9:
            body = {name: value for name, value in body.items() if name not in ("participantId", "participantToken")}
        for _ in range(chance.choice([0, 0, 0, 0, 0, 1, 2])):
            name = chance.choice([*route.fields, "x", "__proto__", ""])
            body[name] = values.anything(chance)
        data = json.dumps(body, ensure_ascii=chance.random() < 0.5).encode("utf-8")
        match chance.randrange(25):
            case 0:
                at = chance.randrange(len(data))
                data = data[:at] + chance.choice(values.RAW) + data[at + chance.randrange(3) :]
            case 1:
                name = chance.choice([*route.fields, "x"])
                data = b'{"%s":%s,' % (name.encode(), chance.choice(values.RAW)) + data[1:]
            case 2:
                data = data[: chance.randrange(len(data))]
            case 3:
                utf16 = data.decode().encode("utf-16")
                data = chance.choice([b"", b" ", b"[]", b"null", b"\xef\xbb\xbf" + data, data * 2, utf16])
            case 4:
                data = b" " * chance.randrange(3000) + data + b"\r\n\t" * chance.randrange(400)
        return data

    def _field(self, name: str, schema: dict[str, Any]) -> Any:
        world, chance = self.world, self.chance
        if chance.random() < 0.06:
            return values.anything(chance)
        match name:
            case "hostSessionId":
                return world.agent.id if chance.random() < 0.7 else f"fuzz-{chance.randrange(10**9)}"
            case "inviteToken":
                return world.pick("invite")
            case "participantId" | "newHostParticipantId":
                return world.person().id
            case "participantToken":
                return world.person().token
            case "dispatchId":
                return world.pick("dispatch")
            case "attempt":
                return chance.choice([1, 1, 1, 2])
            case "expiresInMinutes":
                return chance.choice([5, 60, 60, 0, -1, 10_000, 10**9])
            case "toolCall":
                texts = {name: values.text(chance) for name in ("toolCallId", "title")}
                return texts | {"rawInput": values.anything(chance)}
            case "options":
                kinds = ["allow_once", "allow_always", "reject_once", "reject_always", "other"]
                return [
                    {"optionId": f"o{n}", "name": values.text(chance), "kind": chance.choice(kinds)}
                    for n in range(chance.choice([0, 1, 2, 4, 33]))
                ]
            case _:
                return values.fitting(chance, schema)
