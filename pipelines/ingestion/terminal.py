"""Print the outcomes of an ingestion on the terminal. Imports no TFX."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pipelines.ingestion.outcome import ACCEPTED, FAILED, IN_QUARANTINE, REFUSED, UNCHANGED, SpanOutcome
from pipelines.ingestion.printable import make_printable
from pipelines.runner.final_report import format_path

_STYLES = {ACCEPTED: "green", UNCHANGED: "cyan", REFUSED: "bold red", IN_QUARANTINE: "red", FAILED: "bold red"}
_SHOWN_LINES = 6  # of the reasons of a refusal; the others are only in the quarantine
_INDENT = " " * 12


def print_outcome(console: Console, outcome: SpanOutcome) -> None:
    """Print a line for a span, and the reasons of a refusal below it."""
    line = Text(f"{outcome.span:<11} v{outcome.version:<3} ")
    line.append(f"{outcome.state:<14}", _STYLES[outcome.state])
    line.append(make_printable(f"{outcome.seconds:6.1f} s  {outcome.describe()}"))
    console.print(line, soft_wrap=True)
    if outcome.state == REFUSED and outcome.error is not None:
        reasons = outcome.error.splitlines()[1:]
        shown = reasons[:_SHOWN_LINES]
        if len(reasons) > len(shown):
            shown.append(f"  and {len(reasons) - len(shown)} more, in quarantine")
        for reason in shown:
            console.print(_INDENT + make_printable(reason.strip()), markup=False, soft_wrap=True)
    if outcome.quarantine is not None:
        file = make_printable(f"{format_path(Path(outcome.quarantine))}/reasons.txt")
        console.print(f"{_INDENT}reasons and rows: {file}", markup=False, soft_wrap=True)


def print_report(console: Console, outcomes: Sequence[SpanOutcome], error: str | None, directory: Path) -> None:
    """Print the number of spans in each state, and what to do next."""
    console.print()
    counts = Counter(outcome.state for outcome in outcomes)
    console.print("spans        " + (", ".join(f"{count} {state}" for state, count in counts.items()) or "none"))
    if error is not None:
        console.print(Text(f"error        {make_printable(error)}", "bold red"), soft_wrap=True)
    for name in ("summary.json", "run.log"):
        label = "record" if name.endswith(".json") else "log"
        console.print(f"{label:<12} {make_printable(format_path(directory / name))}", markup=False, soft_wrap=True)
    console.print(f"{'next':<12} {_next(counts, error)}", soft_wrap=True)


def _next(counts: Counter[str], error: str | None) -> str:
    if error is not None or counts[FAILED]:
        return "fix the error and ingest again: what was accepted is not read again"
    if counts[REFUSED] or counts[IN_QUARANTINE]:
        return "correct the refused files, or the contract, and ingest again; training goes on with what was accepted"
    return "train on them: python -m pipelines run --spans all"
