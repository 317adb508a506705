"""The routes as the contract lists them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from support.nodes import REPOSITORY

CONTRACT = REPOSITORY / "Sources" / "HTTPGateway" / "Web" / "openapi.json"


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    operation: str
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    query: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_host_session: bool = False

    @property
    def is_stream(self) -> bool:
        return self.operation in ("streamSession", "streamSessions", "attachBridge")


def read_routes() -> list[Route]:
    """All of them, with the fields of their JSON bodies and the parameters of their queries."""
    contract = json.loads(CONTRACT.read_text("utf-8"))
    routes = []
    for path, item in contract["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            content = operation.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema", {})
            parameters = [p for p in operation.get("parameters", []) if p.get("in") == "query"]
            routes.append(
                Route(
                    method.upper(),
                    path,
                    operation["operationId"],
                    schema.get("properties", {}),
                    frozenset(schema.get("required", [])),
                    {parameter["name"]: parameter["schema"] for parameter in parameters},
                    "host-sessions" in path,
                )
            )
    assert len(routes) > 30, "the contract has more routes than that"
    return routes
