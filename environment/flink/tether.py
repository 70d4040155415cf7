"""End a cluster with the process that needs it, however that process ends.

`python -m environment.flink.tether FOLDER` waits until no process holds the other end of its standard input any more,
which is so after a kill -9, too, and stops the folder's cluster.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from environment.flink.cluster import Cluster, down

_PROJECT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def tethered(cluster: Cluster, task_managers: int, slots: int) -> Iterator[None]:
    """Start a cluster for the block, and stop it after that, or when this process is gone.

    Args:
        cluster: that is started.
        task_managers: number of them.
        slots: of each.

    Yields:
        Once, when the cluster is ready.

    Raises:
        ClusterError: It does not start.
    """
    # In a session of its own: what ends this process by a signal to its group must not end that one.
    waiting = subprocess.Popen(
        [sys.executable, "-m", "environment.flink.tether", str(cluster.folder)],
        cwd=_PROJECT, stdin=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        cluster.up(task_managers, slots)
        yield
    finally:
        down(cluster.folder)
        waiting.communicate()


if __name__ == "__main__":
    sys.stdin.buffer.read()
    down(Path(sys.argv[1]))
