"""Processes whose wall clock is off: a small library that comes before the system's, made by the compiler of Swift."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path


def library(directory: Path) -> Path:
    """Compiles the library into a directory."""
    compiler = shutil.which("clang") or shutil.which("cc")
    assert compiler, "there is neither clang, which comes with Swift, nor cc"
    made = directory / "shifted_clock.so"
    source = Path(__file__).with_suffix("").with_name("shifted_clock.c")
    done = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", str(made), str(source)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return made


def shifted(library: Path, seconds: int) -> dict[str, str]:
    """The environment of a process whose clock is so many seconds ahead; a child inherits it."""
    return {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(seconds)}


def told(environment: dict[str, str]) -> float:
    """The time in a process with that environment."""
    said = subprocess.run(
        [sys.executable, "-c", "import time; print(time.time())"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return float(said.stdout)
