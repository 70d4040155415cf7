"""A terminal of a given width, as far as a live table needs one: what is on the screen after everything was drawn."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path
from typing import TextIO

_TOKEN = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|\r|\n|[^\x1b\r\n]")
COLOUR = re.compile(r"\x1b\[[0-9;]*\b(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[0-9;]*m")


class Terminal:
    """A terminal; the other side of it is read until nobody has it open any more."""

    def __init__(self, width: int):
        self._ours, self.descriptor = pty.openpty()
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        self._received = b""
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "Terminal":
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)
        self._reader.join()
        os.close(self._ours)

    def file(self) -> TextIO:
        """What a program in this process writes to."""
        return os.fdopen(os.dup(self.descriptor), "w", buffering=1)

    def sent(self) -> str:
        """All that was sent to the terminal, when it is closed."""
        return self._received.decode()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # What Linux raises, where others end the file, when it is closed.
            while chunk := os.read(self._ours, 65536):
                self._received += chunk


def on_terminal(arguments: list[str], *, cwd: Path, environment: dict[str, str], width: int) -> tuple[int, str]:
    """Runs Python on a terminal; returns exit status and all that was sent to the terminal."""
    with Terminal(width) as terminal:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=cwd,
            env=environment | {"TERM": "xterm-256color"},
            stdin=terminal.descriptor,
            stdout=terminal.descriptor,
            stderr=terminal.descriptor,
            start_new_session=True,
        )
        status = process.wait()
    return status, terminal.sent()


def drawn(sent: str, width: int) -> list[str]:
    """The lines on the screen, without trailing blanks, after `sent`."""
    lines: list[list[str]] = [[]]
    row = column = 0
    for token in _TOKEN.finditer(sent):
        text, amount, command = token[0], token[1], token[2]
        if command == "A":
            row = max(row - int(amount or 1), 0)
        elif command == "K":
            lines[row] = []
        elif text == "\r":
            column = 0
        elif text == "\n" or (not command and column == width):
            row, column = row + 1, 0
            lines.extend([] for _ in range(row + 1 - len(lines)))
        if not command and text not in "\r\n":
            lines[row].extend(" " * (column + 1 - len(lines[row])))
            lines[row][column] = text
            column += 1
    return ["".join(line).rstrip() for line in lines]
