"""Find the versions below a base path, and select those that a policy asks for."""

import re
from collections.abc import Collection, Iterable
from pathlib import Path

from tensorflow_serving.config import file_system_storage_path_source_pb2 as source_pb2

_LARGEST = 2**63 - 1  # versions are int64


def on_disk(base: Path) -> dict[int, Path]:
    """Return the versions below `base`: folders whose name is a whole number.

    Of `1` and `001` only one is returned. A version that is being written has a name such as `7.tmp`, and is not
    returned.

    Args:
        base: the model's base path.

    Returns:
        The folder of each version, by number.

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
    """Return the versions that should be served.

    Args:
        found: the versions on disk.
        policy: `latest` (one, unless it gives a number), `all`, or `specific`; an empty policy means the latest.
        refused: versions that must not be loaded; the next ones are served instead.

    Returns:
        The numbers of the versions.
    """
    newest_first = sorted(set(found) - set(refused), reverse=True)
    match policy.WhichOneof("policy_choice"):
        case "all":
            return set(newest_first)
        case "specific":
            return set(newest_first) & set(policy.specific.versions)
        case _:
            return set(newest_first[: policy.latest.num_versions or 1])
