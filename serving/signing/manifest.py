"""The signed manifest: a version of a model, and the digest of each of its files."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Self

FORMAT = 1


@dataclasses.dataclass(frozen=True)
class FileDigest:
    """Size and digest of a file."""

    size: int  # bytes
    sha256: str  # hexadecimal digits


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manifest:
    """One version of one model."""

    model: str  # the task's name, which is the model's name on the server
    version: int  # the name of the version's folder
    run_id: str  # of the run that pushed it; empty without a run
    created: str  # ISO 8601, UTC
    files: Mapping[str, FileDigest]  # by path below the version's folder, separated by "/"

    def encode(self) -> bytes:
        """Encode the manifest as JSON. Equal manifests give equal bytes."""
        record = {"format": FORMAT} | dataclasses.asdict(self)
        return json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """Decode what `encode` made.

        Args:
            encoded: JSON.

        Returns:
            The manifest.

        Raises:
            ValueError: The bytes are not a manifest of this format.

        Example:
            >>> files = {"saved_model.pb": FileDigest(size=3, sha256="2c26b46b")}
            >>> manifest = Manifest(model="taxi", version=7, run_id="", created="2026-11-21", files=files)
            >>> Manifest.decode(manifest.encode()) == manifest
            True
        """
        record: Any = json.loads(encoded)
        if not isinstance(record, dict) or record.pop("format", None) != FORMAT:
            raise ValueError(f"expected a manifest of format {FORMAT}")
        try:
            files = {str(path): FileDigest(**digest) for path, digest in record.pop("files").items()}
            manifest = cls(files=files, **record)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"expected the fields of a manifest, received {error}") from error
        if manifest.encode() != encoded:
            raise ValueError("expected a manifest in its canonical encoding, received another")
        return manifest
