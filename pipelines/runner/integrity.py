"""Detect that an artifact changed after it was written, before a run takes it from the cache."""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from serving import file_lock
from serving.durable_file import write_whole

_DIGESTS_FILE, _LOCK_FILE = "digests.json", ".digests.lock"


class IntegrityError(ValueError):
    """A stored artifact is not what its node wrote."""


class ArtifactDigests:
    """The digests of the artifacts of one pipeline, kept in digests.json in its folder."""

    def __init__(self, root: Path):
        self._path = root / _DIGESTS_FILE
        self._digests = self._read()

    def record(self, uri: str) -> None:
        """Record the digest of what is at `uri` now."""
        digest = digest_path(Path(uri))
        with self._changed():
            self._digests[uri] = digest

    def forget(self, uris: Iterable[str]) -> None:
        """Remove the digests of removed artifacts."""
        with self._changed():
            for uri in uris:
                self._digests.pop(uri, None)

    def _read(self) -> dict[str, str]:
        return json.loads(self._path.read_text()) if self._path.exists() else {}

    @contextlib.contextmanager
    def _changed(self) -> Iterator[None]:
        """Lock the file, read it, and write it after the body: several processes may record at the same time."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with file_lock.waiting(self._path.with_name(_LOCK_FILE)):
            self._digests = self._read()
            yield
            write_whole(self._path, json.dumps(self._digests, indent=1))

    def intact(self, uri: str) -> bool:
        """Tell whether the artifact at `uri` still has its recorded digest.

        A missing digest is recorded now: the run was killed before it did. The artifact of another pipeline, such as
        the one that ingests spans, is compared with that pipeline's digests.

        Args:
            uri: the artifact's file or folder.

        Returns:
            False if a file of it was changed, added or removed.
        """
        if (owner := self._find_owner(Path(uri))) is not self:
            return owner.intact(uri)
        if uri not in self._digests:
            self.record(uri)
        return digest_path(Path(uri)) == self._digests[uri]

    def _find_owner(self, artifact: Path) -> "ArtifactDigests":
        own = self._path.parent
        if artifact.is_relative_to(own) or not artifact.is_relative_to(own.parent):
            return self
        return ArtifactDigests(own.parent / artifact.relative_to(own.parent).parts[0])


def digest_path(path: Path) -> str:
    """Return a digest of the names and bytes of a file, or of all files in a folder: 32 hex digits."""
    whole = hashlib.blake2b(digest_size=16)
    for file in sorted(file for file in (path, *path.rglob("*")) if file.is_file()):
        whole.update(str(file.relative_to(path)).encode() + b"\0")
        with file.open("rb") as stream:
            whole.update(hashlib.file_digest(stream, "blake2b").digest())
    return whole.hexdigest()
