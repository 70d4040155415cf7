"""The settings of the request log: what it keeps, where, and for how long."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

HASH_KEY_VARIABLE = "GATEWAY_REQUEST_LOG_HASH_KEY"  # the key itself
HASH_KEY_FILE_VARIABLE = "GATEWAY_REQUEST_LOG_HASH_KEY_FILE"  # or the file that holds it, such as a mounted secret
_LEAST_KEY_BYTES = 16

MIB = 2**20
DAY_SECONDS = 24 * 60 * 60


@dataclasses.dataclass(frozen=True, kw_only=True)
class RequestLogSettings:
    """Settings of a `RequestLog`.

    Raises:
        ValueError: A value is out of its range, or columns are hashed without a key.
    """

    folder: Path  # for day folders with Parquet files; created if it does not exist
    sample_rate: float = 1.0  # share of the requests that is logged, 0 to 1; random, each whole or not at all
    dropped: tuple[str, ...] = ()  # columns that are not logged
    hashed: tuple[str, ...] = ()  # columns whose values are replaced by a keyed hash
    hash_key: bytes | None = dataclasses.field(default=None, repr=False)  # at least 16 bytes; see `read_hash_key`
    max_file_rows: int = 100_000  # a file ends with the request that reaches this
    max_file_bytes: int = 8 * MIB  # or this; an open file stays in memory
    max_file_seconds: float = 60.0  # or at this age; a killed gateway loses at most this much
    keep_files: int = 10_000  # the oldest files beyond these are removed
    keep_bytes: int = 4096 * MIB  # or beyond these
    keep_days: float = 90.0  # or when they are older
    # rows that wait for the writer; beyond these, requests are not logged, and counted as dropped
    queue_rows: int = 20_000

    def __post_init__(self) -> None:
        if not 0 <= self.sample_rate <= 1:
            raise ValueError(f"request log: sample_rate: expected 0 to 1, received {self.sample_rate}")
        for name in ("max_file_rows", "max_file_bytes", "keep_files", "keep_bytes", "queue_rows"):
            if getattr(self, name) < 1:
                raise ValueError(f"request log: {name}: expected at least 1, received {getattr(self, name)}")
        # The reader finds a row's file by the day of the file's first row, plus or minus a day.
        if not 0 < self.max_file_seconds <= DAY_SECONDS:
            raise ValueError(
                f"request log: max_file_seconds: expected more than 0 and at most {DAY_SECONDS}, "
                f"received {self.max_file_seconds}"
            )
        if not self.keep_days > 0:
            raise ValueError(f"request log: keep_days: expected more than 0, received {self.keep_days}")
        if self.hashed and len(self.hash_key or b"") < _LEAST_KEY_BYTES:
            raise ValueError(
                f"request log: hashed = {', '.join(self.hashed)}: expected a key of at least {_LEAST_KEY_BYTES} bytes, "
                f"received {len(self.hash_key or b'')}; set {HASH_KEY_VARIABLE} or {HASH_KEY_FILE_VARIABLE}"
            )


def read_hash_key(environ: Mapping[str, str]) -> bytes | None:
    """Read the key of the hashed columns; return None when there is none.

    With the key, anyone can find the value behind a hash by trial: keep the key apart from the log. Another key gives
    other hashes, which differ from those of earlier files.

    Args:
        environ: usually os.environ.

    Returns:
        The key.

    Raises:
        OSError: The file cannot be read.
    """
    if file := environ.get(HASH_KEY_FILE_VARIABLE):
        return Path(file).read_bytes().strip()
    return environ[HASH_KEY_VARIABLE].encode() if environ.get(HASH_KEY_VARIABLE) else None
