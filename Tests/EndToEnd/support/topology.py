"""The shipped topology as plain processes: the repository's own load balancer and Redis files, moved to free ports."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from .nodes import REPOSITORY
from .processes import Process, Processes
from .redis_server import free_port


def shipped(name: str) -> Path:
    """The one file of that name below docker/ or config/."""
    found = [path for folder in ("docker", "config") for path in (REPOSITORY / folder).rglob(name)]
    assert len(found) == 1, f"{name} should be there once below docker/ or config/: {found}"
    return found[0]


class LoadBalancer:
    """haproxy with the shipped configuration; only the addresses differ, and a test says which lines those are."""

    def __init__(self, processes: Processes, directory: Path, servers: list[str]) -> None:
        executable = shutil.which("haproxy") or "/usr/sbin/haproxy"
        self.port = free_port()
        text = shipped("haproxy.cfg").read_text()
        waiting = list(servers)

        def server(match: re.Match[str]) -> str:
            return f"{match[1]}{waiting.pop(0)}{match[3]}"

        text, nodes = re.subn(r"(?m)^(\s*server\s+\S+\s+)(\S+:\d+)(.*)$", server, text)
        assert nodes == len(servers) and not waiting, f"{nodes} server lines for {len(servers)} nodes"
        text, binds = re.subn(r"(?m)^(\s*bind\s+)\S+", rf"\g<1>127.0.0.1:{self.port}", text, count=1)
        assert binds == 1
        # Names of containers cannot be resolved here, and nobody may be switched to outside of a container.
        text = re.sub(r"(?m)^\s*(user|group|chroot|daemon|stats\s+socket|resolvers|nameserver)\b.*$", "", text)
        text = re.sub(r"\s+resolvers\s+\S+|\s+init-addr\s+\S+", "", text)
        path = directory / "haproxy.cfg"
        path.write_text(text)
        checked = subprocess.run([executable, "-c", "-f", str(path)], capture_output=True, text=True, timeout=20)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        self.process: Process = processes.start("haproxy", [executable, "-db", "-f", str(path)])

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"
