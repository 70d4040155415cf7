"""`leaderboard`: show all runs of a task on one page."""

import sys
import webbrowser
from pathlib import Path

_SHOWN, _FAILED = 0, 1

EPILOGUE = """Examples:
  python -m pipelines leaderboard                   of the taxi task
  python -m pipelines leaderboard --task diabetes --no-browser

Exit status: 0 written; 1 there is no run, or one cannot be read; 2 bad usage.
"""


def leaderboard(*, task: str = "taxi", var: Path = Path("var"), no_browser: bool = False) -> int:
    """Open the leaderboard of a task, and print the file's path.

    One page with all runs: metrics with intervals, parameters, notes and tags,
    what changed, who reviewed it, and whether it was pushed or why not. Each
    call writes the page again.

    Args:
        task: The task's name, as `runs list` shows it.
        var: The folder that the runs wrote to.
        no_browser: Only print the path.

    Returns:
        The exit status.
    """
    from pipelines.overview.leaderboard_page import write_leaderboard  # import late: --help does not need pandas
    from pipelines.runs import RunError

    try:
        path = write_leaderboard(var.absolute(), task.rpartition(".")[2])
    except RunError as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    print(path)
    if not no_browser and not webbrowser.open(path.as_uri()):
        print("no browser could be started here: open the file above in a browser", file=sys.stderr)
    return _SHOWN
