"""Compute how many nodes this machine can run at the same time."""

import os
import sys
from pathlib import Path

import psutil

from pipelines.options import RunOptions

# In a run on 900,000 rows SkewGate and its two child processes used most: 0.9 GiB, plus 0.3 GiB for each million rows.
# Trainer's tables are in a file from 1 GiB on (docs/decisions/0062-rows-in-flat-memory.md).
NODE_BYTES = 2 << 30
_CGROUP = Path("/sys/fs/cgroup")  # version 2


def processes_at_once(options: RunOptions) -> int:
    """Return how many nodes of a run may work at the same time: --at-once, or else what this machine can run.

    Without --at-once it is 1 on a cluster: the runner watches its jobs over gRPC, whose threads do not exist in a fork.
    """
    return options.at_once or (nodes_at_once() if options.engine == "local" else 1)


def nodes_at_once() -> int:
    """Return how many nodes can run at the same time: one for each core and each 2 GiB of free memory, at least one.

    It is always one except on Linux: Apple's frameworks do not work in a fork.
    """
    if sys.platform != "linux":
        return 1
    free = min(psutil.virtual_memory().available, free_in_cgroup(_CGROUP))
    return max(1, min(len(os.sched_getaffinity(0)), int(free // NODE_BYTES)))


def free_in_cgroup(folder: Path) -> float:
    """Return the bytes left below a container's memory limit; infinity without a limit, or with cgroups version 1."""
    try:
        limit, used = ((folder / name).read_text().strip() for name in ("memory.max", "memory.current"))
    except OSError:
        return float("inf")
    return float("inf") if limit == "max" else float(int(limit) - int(used))
