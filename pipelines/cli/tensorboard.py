"""`tensorboard`: show the training curves of all runs, with readable names."""

import os
import sys
from pathlib import Path

from serving.cli.usage import require

_FAILED = 1

EPILOGUE = """Examples:
  python -m pipelines tensorboard
  python -m pipelines tensorboard --task taxi --port 0    on a free port

Exit status: that of TensorBoard, which Ctrl-C ends; 1 no run has logs.
"""


def tensorboard(*, task: str | None = None, var: Path = Path("var"), port: int = 6006) -> int:  # noqa: RET503, it ends as TensorBoard
    """Start TensorBoard on the training curves of all runs, and print its address.

    Names each training by its time, experiment, architecture and tags, and
    links its curves below <var>/tensorboard/. TensorBoard listens on this
    machine only, and does not show runs that begin later.

    Args:
        task: Only runs of this task.
        var: The folder that the runs wrote to.
        port: Port to listen on; 0 for a free one.

    Returns:
        The exit status.
    """
    require("--port", port, 0, 65535, "0 to 65535")
    from pipelines.overview.tensorboard_links import link_trainings  # import late: --help does not need pandas
    from pipelines.runs import RunError, Runs

    folder = var.absolute() / "tensorboard"
    try:
        links = link_trainings(Runs(var.absolute()).list(task and task.rpartition(".")[2]), folder)
    except RunError as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    for link in links:
        print(link.relative_to(folder))
    sys.stdout.flush()
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--host", "127.0.0.1"]
    # Replace this process, so that signals reach TensorBoard. Hide the warnings of libraries about each other.
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
    os.execve(sys.executable, [*command, "--port", str(port)], os.environ | quiet)
