"""How many nodes this machine can run at the same time."""

import os
import sys
from pathlib import Path

import psutil

from pipelines.options import RunOptions

# The largest of a run on 900,000 rows, SkewGate with its two children, held 0.9 GiB of its own and 0.3 more for each
# million rows; Trainer's tables are in a file from 1 GiB on (docs/decisions/0062-rows-in-flat-memory.md).
NODE_BYTES = 2 << 30
_CGROUP = Path("/sys/fs/cgroup")  # version 2


def processes_at_once(options: RunOptions) -> int:
    """Return how many processes of a run may work at the same time: what was asked for, or what this machine can do.

    One where the nodes run on a cluster: its jobs are looked after over gRPC, whose threads are not there in a fork.
    """
    return options.at_once or (nodes_at_once() if options.engine == "local" else 1)


def nodes_at_once() -> int:
    """Return how many nodes run at the same time: one a core, as far as the free memory goes, at least one.

    Elsewhere than on Linux always one: Apple's frameworks do not survive a fork.
    """
    if sys.platform != "linux":
        return 1
    free = min(psutil.virtual_memory().available, free_in_cgroup(_CGROUP))
    return max(1, min(len(os.sched_getaffinity(0)), int(free // NODE_BYTES)))


def free_in_cgroup(folder: Path) -> float:
    """Return the bytes that a container's limit leaves; infinity where there is none, or cgroups are of version 1."""
    try:
        limit, used = ((folder / name).read_text().strip() for name in ("memory.max", "memory.current"))
    except OSError:
        return float("inf")
    return float("inf") if limit == "max" else float(int(limit) - int(used))
