"""Measure how many bytes files take on disk."""

import os
from pathlib import Path

# Folders below `var` that are listed by their subfolders, most of which are one per task.
_BY_TASK = ("serving", "requests", "data", "monitoring", "feedback", "quarantine", "production_metrics")
_BLOCK = 512  # bytes per block of st_blocks (POSIX)


def measure_path(path: Path) -> int:
    """Return the bytes that a file, or all files below a folder, take on disk; files removed meanwhile count as 0."""
    if not path.is_dir() or path.is_symlink():
        return _measure_file(path)
    return sum(_measure_file(Path(folder) / name) for folder, _, names in os.walk(path) for name in names)


def list_usage(var: Path) -> list[tuple[str, int]]:
    """Return what is below a folder of runs with its bytes, the largest first; artifacts by task and node."""
    found: dict[str, int] = {}
    for path in var.iterdir() if var.is_dir() else ():
        if path.name == "artifacts":
            for node in path.glob("*/*"):
                found[str(node.relative_to(var))] = measure_path(node)
        elif path.name in _BY_TASK and path.is_dir():
            for child in path.iterdir():
                found[str(child.relative_to(var))] = measure_path(child)
        else:
            found[path.name] = measure_path(path)
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))


def format_bytes(size: int) -> str:
    """Return a size as text in MiB or GiB.

    Example:
        >>> format_bytes(1536 * 1024)
        '1.5 MiB'
    """
    return f"{size / 2**20:,.1f} MiB" if size < 2**30 else f"{size / 2**30:,.2f} GiB"


def _measure_file(path: Path) -> int:
    try:
        return path.lstat().st_blocks * _BLOCK
    except FileNotFoundError:
        return 0
