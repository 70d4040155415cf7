"""Which versions lie below a base path, and which of them a policy asks for."""

import re
from collections.abc import Collection, Iterable
from pathlib import Path

from tensorflow_serving.config import file_system_storage_path_source_pb2 as source_pb2

_LARGEST = 2**63 - 1  # versions are int64


def on_disk(base: Path) -> dict[int, Path]:
    """The versions below `base`: folders whose name is a whole number. Of `1` and `001` one counts.

    A folder `7.tmp`, in which a version is being written, has no such name.

    Raises:
        OSError: There is no such folder, or it cannot be read.
    """
    folders = sorted(path for path in base.iterdir() if re.fullmatch(r"[0-9]+", path.name) and path.is_dir())
    return {int(path.name): path for path in folders if int(path.name) <= _LARGEST}


def aspired(
    found: Iterable[int],
    policy: source_pb2.FileSystemStoragePathSourceConfig.ServableVersionPolicy,
    refused: Collection[int] = (),
) -> set[int]:
    """The versions that should be served.

    Args:
        found: those on disk.
        policy: `latest` (one, unless it says how many), `all`, or `specific`; none means the latest.
        refused: those that must not be loaded, so that the next ones are served in their stead.
    """
    newest_first = sorted(set(found) - set(refused), reverse=True)
    match policy.WhichOneof("policy_choice"):
        case "all":
            return set(newest_first)
        case "specific":
            return set(newest_first) & set(policy.specific.versions)
        case _:
            return set(newest_first[: policy.latest.num_versions or 1])
