"""A program in a terminal of its own: what it shows, and what a person types."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import termios
import threading

from .processes import clean_environment
from .waiting import PATIENCE, Deadline


class Terminal:
    """One program with a pseudo-terminal as its controlling one, so that Ctrl-C is Ctrl-C."""

    def __init__(self, argv: list[str]) -> None:
        self._master, slave = pty.openpty()
        self._shown = bytearray()
        self._changed = threading.Condition()
        self._taken = 0

        def take_control() -> None:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        self._child = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave, preexec_fn=take_control, close_fds=True,
            env=clean_environment({"TERM": "xterm", "LANG": "C.UTF-8"}),
        )  # fmt: skip
        os.close(slave)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                received = os.read(self._master, 65536)
            except OSError:  # the program has ended
                received = b""
            with self._changed:
                self._shown += received
                self._changed.notify_all()
            if not received:
                return

    @property
    def text(self) -> str:
        """All it has shown."""
        with self._changed:
            return self._shown.decode("utf-8", "replace")

    def expect(self, text: str, seconds: float = PATIENCE) -> str:
        """What was shown since the last call, up to and with this text."""
        deadline = Deadline(seconds)
        with self._changed:
            while True:
                found = bytes(self._shown).find(text.encode(), self._taken)
                if found >= 0:
                    end = found + len(text.encode())
                    shown = self._shown[self._taken : end].decode("utf-8", "replace")
                    self._taken = end
                    return shown
                rest = self._shown[self._taken :].decode("utf-8", "replace")
                assert not deadline.passed, f"never shown: {text!r}\n{rest}"
                self._changed.wait(min(deadline.left, 0.2))

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def pause(self) -> None:
        """The program stands still: it neither reads nor shows anything until it resumes."""
        self._child.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._child.send_signal(signal.SIGCONT)

    def wait(self, seconds: float = PATIENCE) -> int:
        try:
            return self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running\n{self.text}") from None

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGKILL)
            self._child.wait(PATIENCE)
