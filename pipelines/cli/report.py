"""`report`: open the report of a run."""

import sys
import webbrowser
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

_SHOWN, _FAILED = 0, 1

EPILOGUE = """Examples:
  python -m pipelines report                        of the newest run
  python -m pipelines report --run 20261121-163842  of another run
  python -m pipelines report --again                write it again

Exit status: 0 shown; 1 there is no such run, or it cannot be read; 2 bad usage.
"""


def report(
    *,
    var: Path = Path("var"),
    run_id: Annotated[str, Parameter(name="--run")] = "latest",
    again: bool = False,
    no_browser: bool = False,
) -> int:
    """Open the report of a run, and print the file's path.

    Writes the report first if the run has none, because it was killed or an
    earlier release ran it.

    Args:
        var: The folder that the runs wrote to.
        run_id: The run: the name of a folder below runs/, or latest.
        again: Write the report again.
        no_browser: Only print the path.

    Returns:
        The exit status.
    """
    from pipelines.report.stored import find_or_write_report  # import late: --help does not need pandas
    from pipelines.runs import RunError

    try:
        path = find_or_write_report(var.absolute(), run_id, again=again)
    except RunError as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    print(path)
    if not no_browser and not webbrowser.open(path.as_uri()):
        print("no browser could be started here: open the file above in a browser", file=sys.stderr)
    return _SHOWN
