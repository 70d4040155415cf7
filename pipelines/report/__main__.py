"""Opens the report of a run.

    python -m pipelines.report                     the newest run's
    python -m pipelines.report --run RUN           another's: the name of a folder below runs/
    python -m pipelines.report --again             made anew, such as after an edit of the model card

Prints the file's path. A run that left no report, because it was killed or is older than reports are, gets one now.

Exit status: 0 there it is; 1 there is no such run, or it cannot be read; 2 bad usage.
"""

import argparse
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from pipelines.runs import RunError, Runs
from serving.process_control import exit_now, gc_paused_imports

_SHOWN, _FAILED = 0, 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Opens it and returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        path = _report(options.var.absolute(), options.run, again=options.again)
    except RunError as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    print(path)
    if not options.no_browser and not webbrowser.open(path.as_uri()):
        print("no browser could be started here: open the file above in one", file=sys.stderr)
    return _SHOWN


def _report(var: Path, run_id: str, *, again: bool) -> Path:
    run = Runs(var).open(run_id)
    path = run.directory / "report.html"
    if again or not path.is_file():
        with gc_paused_imports():  # Imported here: it loads TensorFlow, which a report that is there does not need.
            from pipelines.report.page import write_report

        write_report(run, var / "cache")
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.report", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--var", type=Path, default="var", help="the folder that the runs wrote to (default: var)")
    parser.add_argument("--run", default="latest", metavar="RUN", help="which run (default: latest)")
    parser.add_argument("--again", action="store_true", help="make it anew")
    parser.add_argument("--no-browser", action="store_true", help="only print the path")
    return parser


if __name__ == "__main__":
    exit_now(main())
