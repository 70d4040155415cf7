"""Stop a cluster when the process that needs it ends, also after `kill -9`.

`python -m environment.flink.tether FOLDER` waits until its standard input is closed, and then stops the folder's
cluster. The system closes the input when the process that started this one ends, for any reason.
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
    """Start a cluster for the block; stop it after the block, or when this process ends.

    Args:
        cluster: the cluster to start.
        task_managers: number of TaskManagers.
        slots: slots of each TaskManager.

    Yields:
        Once, when the cluster is ready.

    Raises:
        ClusterError: It does not start.
    """
    # In a separate session, so that a signal to the group of this process does not end that one.
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
