"""Notices an artifact that changed after it was written, before a cached run builds on it."""

import hashlib
import json
from pathlib import Path

from serving.durable_file import write_whole

_LEDGER = "digests.json"


class IntegrityError(ValueError):
    """A stored artifact is not what its node wrote."""


class Ledger:
    """The digests of the artifacts below one folder, in one file of that folder."""

    def __init__(self, root: Path):
        self._path = root / _LEDGER
        self._digests: dict[str, str] = json.loads(self._path.read_text()) if self._path.exists() else {}

    def record(self, uri: str) -> None:
        """Remembers what lies at `uri` now."""
        self._digests[uri] = digest(Path(uri))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._path, json.dumps(self._digests, indent=1))

    def intact(self, uri: str) -> bool:
        """Whether what lies at `uri` is what was recorded. What never was, by a run cut off there, is recorded now."""
        if uri not in self._digests:
            self.record(uri)
        return digest(Path(uri)) == self._digests[uri]


def digest(path: Path) -> str:
    """Hex digest of a file's or folder's names and bytes."""
    whole = hashlib.blake2b(digest_size=16)
    for file in sorted(file for file in (path, *path.rglob("*")) if file.is_file()):
        whole.update(str(file.relative_to(path)).encode() + b"\0")
        with file.open("rb") as stream:
            whole.update(hashlib.file_digest(stream, "blake2b").digest())
    return whole.hexdigest()
