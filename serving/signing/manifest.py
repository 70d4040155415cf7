"""What is signed: the digest of every file of a version, and which version of which model it is."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Self

FORMAT = 1


@dataclasses.dataclass(frozen=True)
class FileDigest:
    """What a file holds."""

    size: int  # bytes
    sha256: str  # in hexadecimal digits


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manifest:
    """One version of one model."""

    model: str  # the task's name, which the server knows the model by
    version: int  # the name of the version's folder
    run_id: str  # of the run that pushed it; empty where there was none
    created: str  # ISO 8601, UTC
    files: Mapping[str, FileDigest]  # by path below the version's folder, with "/" between its parts

    def encode(self) -> bytes:
        """Encode the manifest as JSON. The same manifest gives the same bytes."""
        record = {"format": FORMAT} | dataclasses.asdict(self)
        return json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """Decode what `encode` made.

        Raises:
            ValueError: It is no manifest of this format.
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
            raise ValueError("expected a manifest in its one spelling, received another")
        return manifest
