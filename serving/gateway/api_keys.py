"""API keys: which clients may send requests.

Each key has a name, which the log shows instead of the key. Write `NAME:KEY`, one per line in the file, or separated by
commas in the variable GATEWAY_API_KEYS. To replace a key without an interruption, add the new one under another name,
move the clients, then remove the old one. The file is read again when it changes; while it is missing, its last keys
stay valid. `openssl rand -hex 24` makes a good key.
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
        environ: the process's environment variables.
        file: holds more keys; None if there is no file.

    Raises:
        ValueError: The file is missing, a line is not a key, a key is too short, or a name appears twice.
        OSError: The file cannot be read.
    """

    def __init__(self, environ: Mapping[str, str], file: Path | None = None):
        self._fixed = parse(environ.get(VARIABLE, "").replace(",", "\n"), VARIABLE)
        if file is not None and not file.is_file():
            raise ValueError(
                f"the API keys' file {file} does not exist: expected a file with lines NAME:KEY; create it."
            )
        self._file: WatchedFile[Digests] | None = WatchedFile(file, lambda text: parse(text, "line")) if file else None
        self.needed = bool(self._fixed) or file is not None  # an emptied file still requires keys

    def name_of(self, key: str) -> str | None:
        """Return the name of a valid key, None for any other. Its duration does not depend on the key."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
        found = None
        for name, valid in {**self._fixed, **(self._file.value if self._file else {})}.items():
            if hmac.compare_digest(digest, valid):
                found = name
        return found


def parse(text: str, place: str) -> Digests:
    """Read keys, one per line; skip empty lines and lines that begin with #.

    Args:
        text: the lines.
        place: the file's or variable's name, for messages.

    Returns:
        The digest of each key, by name.

    Raises:
        ValueError: As in ApiKeys. No message contains a key.
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
