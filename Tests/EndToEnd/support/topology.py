"""The shipped topology as plain processes: the repository's own load balancer and Redis files, moved to free ports."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from .nodes import REPOSITORY
from .processes import Process, Processes
from .redis_server import free_port

CONFIGURATION = REPOSITORY / "config"


def program(name: str) -> str:
    """An installed server program; Debian keeps those where not every PATH looks."""
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin") or shutil.which(name)
    assert found, f"{name} is not installed"
    return found


def replaced(pattern: str, by: list[str], text: str) -> str:
    """The text with the matches of a pattern's group 2 replaced one by one; there must be as many as replacements."""
    waiting = list(by)
    text, count = re.subn(pattern, lambda m: f"{m[1]}{waiting.pop(0) if waiting else '?'}{m[3]}", text)
    assert count == len(by), f"{count} places for {pattern}, {len(by)} expected"
    return text


class LoadBalancer:
    """haproxy or nginx with the shipped configuration: only addresses, and what needs a container, differ."""

    def __init__(self, kind: str, processes: Processes, directory: Path, servers: list[str]) -> None:
        self.port = free_port()
        start = {"haproxy": self._haproxy, "nginx": self._nginx}[kind]
        argv, check = start(directory, servers)
        checked = subprocess.run(check, capture_output=True, text=True, timeout=20)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        self.process: Process = processes.start(kind, argv)

    def _haproxy(self, directory: Path, servers: list[str]) -> tuple[list[str], list[str]]:
        text = (CONFIGURATION / "haproxy.cfg").read_text()
        # Names of containers are resolved by Docker's own name server, which is not there.
        text = re.sub(r"(?ms)^resolvers .*?^(?=\S)", "", text)
        text = replaced(r"(?m)^(\s*server\s+\S+\s+)(\S+)( resolvers docker init-addr libc,none)$", servers, text)
        text = text.replace(" resolvers docker init-addr libc,none", "")
        text = replaced(r"(?m)^(\s*bind\s+)(\S+)(.*)$", [f"127.0.0.1:{self.port}"], text)
        # As many connections as are shipped need more descriptors than everybody's who runs tests.
        text = re.sub(r"(?m)^(\s*maxconn )\d+$", r"\g<1>1000", text)
        path = directory / "haproxy.cfg"
        path.write_text(text)
        haproxy = program("haproxy")
        return [haproxy, "-db", "-f", str(path)], [haproxy, "-c", "-f", str(path)]

    def _nginx(self, directory: Path, servers: list[str]) -> tuple[list[str], list[str]]:
        text = (CONFIGURATION / "nginx.conf").read_text()
        text = replaced(r"(?m)^(\s*server )([^{\s]+)( max_fails.*;)$", servers, text)
        text = replaced(r"(?m)^(\s*listen )(\d+)(;)$", [f"127.0.0.1:{self.port}"], text)
        # Debian's places for these belong to another user.
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = "".join(f"    {kind}_temp_path {directory}/{kind};\n" for kind in kinds)
        text = text.replace("http {\n", "http {\n" + places)
        path = directory / "nginx.conf"
        path.write_text(text)
        options = ["-p", str(directory), "-c", str(path), "-e", "stderr"]
        main = f"pid {directory}/nginx.pid;"
        nginx = program("nginx")
        return [nginx, *options, "-g", f"daemon off; {main}"], [nginx, "-t", *options, "-g", main]

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"
