"""Runs on the shell.

    python -m pipelines.runs list                    every run, the newest last
    python -m pipelines.runs show [RUN]              what happened in one: nodes, gates, metrics, lineage
    python -m pipelines.runs diff A B                what changed from A to B: data, code, parameters, metrics
    python -m pipelines.runs lineage [RUN]           from a model back to its data, code and parameters
    python -m pipelines.runs lineage --data PATH     from data forward to every model that it fed

RUN is the name of a run, a pushed version, or `latest`, as it is when none is named.

Exit status: 0 shown; 1 there is no such run, or it cannot be read; 2 bad usage.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from pipelines.runs import Run, RunError, Runs, tables
from pipelines.runs.difference import difference
from pipelines.runs.runs import LATEST

_SHOWN, _FAILED = 0, 1
_WIDTH_OF_A_PIPE = 240  # characters; a terminal has a width of its own


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit status."""
    parser = _parser()
    parsed = parser.parse_args(arguments)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE)
    try:
        _show(parsed, console, parser)
    except RunError as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    except BrokenPipeError:  # `| head` has seen enough.
        sys.stderr.close()
    return _SHOWN


def _show(parsed: argparse.Namespace, console: Console, parser: argparse.ArgumentParser) -> None:
    runs = Runs(parsed.var)
    match parsed.command:
        case "list":
            found = runs.list(parsed.task)
            if not found:
                raise RunError(f"no runs below {parsed.var / 'runs'}: run `make run-local`, or name --var")
            tables.show_list(console, found[-parsed.last :] if parsed.last else found)
        case "show":
            run = _open(runs, parsed.run, parsed.task)
            tables.show_run(console, run)
            if run.summary["nodes"]:  # else it ended before its first node, and its record says why
                tables.show_lineage(console, run.lineage())
        case "diff":
            before, after = (_open(runs, name, parsed.task) for name in (parsed.before, parsed.after))
            tables.show_difference(console, difference(before, after), parsed.most)
        case "lineage":
            if parsed.run is not None and (parsed.data is not None or parsed.span is not None):
                parser.error("lineage: name a run, or data that was read, not both")
            if parsed.data is None and parsed.span is None:
                tables.show_lineage(console, _open(runs, parsed.run or LATEST, parsed.task).lineage())
            else:
                tables.show_fed(console, runs.fed_by(parsed.data, span=parsed.span, task=parsed.task))


def _open(runs: Runs, name: str, task: str | None) -> Run:
    """A run by its name, or by the version that it pushed."""
    return runs.open(runs.lineage(name, task).run_id if name.isdecimal() else name, task)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m pipelines.runs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--var", type=Path, default=Path("var"), help="the folder that the runs wrote to (var)")
    shared.add_argument("--task", help="runs of this task only")
    commands = parser.add_subparsers(dest="command", required=True)
    listed = commands.add_parser("list", parents=[shared], help="every run, the newest last")
    listed.add_argument("--last", type=_positive, metavar="N", help="the newest N only")
    commands.add_parser("show", parents=[shared], help="one run").add_argument("run", nargs="?", default=LATEST)
    compared = commands.add_parser("diff", parents=[shared], help="what changed between two runs")
    compared.add_argument("before")
    compared.add_argument("after")
    compared.add_argument(
        "--most", type=_positive, default=20, metavar="N", help="statistics and slices that are shown (20)"
    )
    traced = commands.add_parser("lineage", parents=[shared], help="where a model came from, or what data fed")
    traced.add_argument("run", nargs="?")
    traced.add_argument("--data", metavar="PATH", help="CSV file or folder that was read, or its fingerprint")
    traced.add_argument("--span", type=int, metavar="N", help="span of the data")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, received {text}")
    return number


if __name__ == "__main__":
    sys.exit(main())
