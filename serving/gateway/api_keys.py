"""API keys: who may ask.

Each key has a name, which stands in the log in its stead: `NAME:KEY`, one a line in the file, or separated by commas
in the variable GATEWAY_API_KEYS. To change a key without a pause, add the new one under another name, move the clients,
then take the old one out; the file is read again when it changes, and while it is not there, the keys that it held stay
valid. `openssl rand -hex 24` makes a good key.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from pathlib import Path

from serving.gateway.watched_file import WatchedFile

VARIABLE = "GATEWAY_API_KEYS"
HEADER = "X-API-Key"
LEAST_LENGTH = 16

Digests = dict[str, bytes]  # name -> SHA-256 of the key


class ApiKeys:
    """The keys that are valid now.

    Args:
        environ: of the process.
        file: where more keys stand; None: nowhere.

    Raises:
        ValueError: The file is not there, a line is no key, a key is too short, or a name is there twice.
        OSError: The file cannot be read.
    """

    def __init__(self, environ: Mapping[str, str], file: Path | None = None):
        self._fixed = parse(environ.get(VARIABLE, "").replace(",", "\n"), VARIABLE)
        if file is not None and not file.is_file():
            raise ValueError(f"the API keys' file {file} is not there: expected a file with lines NAME:KEY; make it.")
        self._file: WatchedFile[Digests] | None = WatchedFile(file, lambda text: parse(text, "line")) if file else None
        self.needed = bool(self._fixed) or file is not None  # a file that is emptied later closes the door

    def name_of(self, key: str) -> str | None:
        """The name of a valid key, None for any other. How long it takes says nothing of what is wrong with it."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
        found = None
        for name, valid in {**self._fixed, **(self._file.value if self._file else {})}.items():
            if hmac.compare_digest(digest, valid):
                found = name
        return found


def parse(text: str, place: str) -> Digests:
    """Read keys, one a line; empty lines and those that begin with # say nothing.

    Raises:
        ValueError: As in ApiKeys. No message holds a key.
    """
    found: Digests = {}
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if not line or line.startswith("#"):
            continue
        name, colon, key = line.partition(":")
        if not colon or not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name):
            raise ValueError(f"{place} {number}: expected NAME:KEY, the name of letters, digits, _ . -, received other")
        if len(key) < LEAST_LENGTH:
            raise ValueError(
                f"{place} {number}: expected a key of at least {LEAST_LENGTH} characters, received {len(key)}"
            )
        if name in found:
            raise ValueError(f"{place} {number}: expected each name once, received {name!r} again")
        found[name] = hashlib.sha256(key.encode()).digest()
    return found
