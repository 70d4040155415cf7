"""Run the command `python -m environment.flink up | down | status [--folder FOLDER]`."""

import argparse
import sys
from pathlib import Path

from environment.flink import cluster, packages


def main() -> int:
    """Run the command and return the exit status: 0 done; 1 it failed; 2 bad usage."""
    parser = argparse.ArgumentParser(prog="python -m environment.flink", description="A Flink cluster on this machine.")
    parser.add_argument("action", choices=("up", "down", "status"))
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("var/flink"),
        help="folder for everything that the cluster writes (var/flink)",
    )
    parser.add_argument("--task-managers", type=int, default=2, help="worker processes (2)")
    parser.add_argument("--slots", type=int, default=1, help="slots of each worker process (1)")
    options = parser.parse_args()
    try:
        {"up": _up, "down": _down, "status": _status}[options.action](options)
    except (cluster.ClusterError, packages.PackageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _up(options: argparse.Namespace) -> None:
    cluster.Cluster(options.folder, packages.fetch()).up(options.task_managers, options.slots)
    _status(options)


def _down(options: argparse.Namespace) -> None:
    stopped = cluster.down(options.folder)
    print(f"stopped  {', '.join(stopped)}" if stopped else "nothing was running")


def _status(options: argparse.Namespace) -> None:
    state = cluster.read_state(options.folder)
    for name, process in cluster.running_state(options.folder).items():
        print(f"{name:<14} {'runs' if process.runs() else 'ended'}, process {process.pid}")
    if not state:
        print(f"no cluster was started from {options.folder}")
        return
    print(f"web page       http://{state['rest']}")
    print(f"jobs           {state['job_endpoint']}, {state['slots']} slots: make run-local ENGINE=flink")


if __name__ == "__main__":
    sys.exit(main())
