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
from pathlib import Path

_TOKEN = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|\r|\n|[^\x1b\r\n]")
COLOUR = re.compile(r"\x1b\[[0-9;]*\b(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[0-9;]*m")


def on_terminal(arguments: list[str], *, cwd: Path, environment: dict[str, str], width: int) -> tuple[int, str]:
    """Runs Python on a terminal; returns exit status and all that was sent to the terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment | {"TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    received = b""
    with contextlib.suppress(OSError):  # What Linux raises, where others end the file, when the other side is closed.
        while chunk := os.read(ours, 65536):
            received += chunk
    os.close(ours)
    return process.wait(), received.decode()


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
