"""Child processes: started with their output in files, ended by their own id, never by name."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from .waiting import PATIENCE, Deadline

#: Lines of a process's log that a failed test shows.
TAIL_LINES = 40


class Process:
    """One child. A thread reads its standard output line by line; standard error goes to a file."""

    def __init__(
        self,
        name: str,
        argv: list[str],
        directory: Path,
        environment: dict[str, str] | None = None,
        working_directory: Path | None = None,
        standard_input: bytes | None = None,
        keep_input_open: bool = False,
    ) -> None:
        self.name = name
        self.argv = argv
        self.log_path = directory / f"{name}.log"
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._output_ended = False
        wants_input = standard_input is not None or keep_input_open
        with self.log_path.open("ab") as log:
            self._child = subprocess.Popen(
                argv,
                env=environment,
                cwd=working_directory,
                stdout=subprocess.PIPE,
                stderr=log,
                stdin=subprocess.PIPE if wants_input else subprocess.DEVNULL,
            )
        if standard_input is not None:
            assert self._child.stdin
            self._child.stdin.write(standard_input)
            self._child.stdin.close()
        self._reader = threading.Thread(target=self._read, name=f"output of {name}", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._child.stdout
        with self.log_path.open("ab", buffering=0) as log:
            for raw in self._child.stdout:
                log.write(raw)
                with self._changed:
                    self.lines.append(raw.decode("utf-8", "replace").rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._output_ended = True
            self._changed.notify_all()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def is_running(self) -> bool:
        return self._child.poll() is None

    def line(self, index: int, seconds: float = PATIENCE) -> str:
        """The line number `index` of standard output, as soon as it is there."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.lines) > index or self._output_ended, seconds)
            if len(self.lines) > index:
                return self.lines[index]
        raise AssertionError(f"{self.name} printed no line {index} within {seconds:g} s\n{self.tail()}")

    def line_matching(self, fragment: str, seconds: float = PATIENCE) -> str:
        """The first line of standard output that contains `fragment`."""

        def found() -> str | None:
            return next((line for line in self.lines if fragment in line), None)

        with self._changed:
            self._changed.wait_for(lambda: found() is not None or self._output_ended, seconds)
            line = found()
        if line is None:
            raise AssertionError(f"{self.name} never printed {fragment!r}\n{self.tail()}")
        return line

    def wait(self, seconds: float = PATIENCE) -> int:
        """Its exit code, once it has ended by itself; minus the signal when one ended it."""
        try:
            code = self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} has not ended within {seconds:g} s\n{self.tail()}") from None
        self._reader.join(seconds)
        return code

    def terminate(self, seconds: float = 40.0) -> int:
        """SIGTERM, then its exit code. A process that ignores it for `seconds` is a failure (and is killed)."""
        if self.is_running:
            self._child.terminate()
        try:
            return self.wait(seconds)
        except AssertionError:
            self.kill()
            raise

    def signal(self, number: signal.Signals) -> None:
        self._child.send_signal(number)

    def kill(self) -> None:
        """SIGKILL; returns when the process is gone."""
        if self.is_running:
            self._child.kill()
        self._child.wait(PATIENCE)

    def close_input(self) -> None:
        if self._child.stdin:
            self._child.stdin.close()

    def tail(self) -> str:
        """The last lines of its log, for a failure message."""
        text = self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""
        return "\n".join([f"--- {self.name}: {' '.join(self.argv)}", *text.splitlines()[-TAIL_LINES:]])


class Processes:
    """All children of one scope; ends every one of them, newest first, whatever a test did."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.children: list[Process] = []
        #: What is to be done once all of them have ended.
        self.afterwards: list[Callable[[], None]] = []

    def start(self, name: str, argv: list[str], **more: object) -> Process:
        unique = f"{name}-{len(self.children)}"
        child = Process(unique, argv, self.directory, **more)  # type: ignore[arg-type]
        self.children.append(child)
        return child

    def end_all(self) -> None:
        for child in reversed(self.children):
            if child.is_running:
                child.signal(signal.SIGTERM)
        deadline = Deadline(5.0)
        for child in reversed(self.children):
            try:
                child.wait(max(deadline.left, 0.1))
            except AssertionError:
                child.kill()
        for action in self.afterwards:
            action()

    def tails(self) -> str:
        return "\n".join(child.tail() for child in self.children)


def open_descriptors(pid: int) -> int:
    """How many file descriptors the process holds, as the kernel tells."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_bytes(pid: int) -> int:
    """How much memory the process holds, as the kernel tells."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as numbers:
        return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def children(pid: int) -> list[int]:
    """The processes any thread of this one has started and that still run."""
    found: set[int] = set()
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread may end meanwhile
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as listing:
                found.update(int(child) for child in listing.read().split())
    return sorted(found)


def redis_of(process: Process) -> int | None:
    """The pid of the redis-server that runs below the node, however deep."""
    todo = children(process.pid)
    while todo:
        pid = todo.pop()
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii") as name:
                if name.read().strip() == "redis-server":
                    return pid
            todo += children(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return None


def clean_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """This process's environment without any TANDEM_ setting of the person who runs the tests, plus `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}
    return kept | (extra or {})
