"""Write the report page of a run, and print its results on the terminal. TFX is imported late."""

import os
import textwrap
import traceback
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pipelines.evaluation.readable_numbers import format_readable
from pipelines.evaluation.slices import OVERALL
from pipelines.explain import explain
from pipelines.nodes import BETTER_GATE
from pipelines.runner.results import Verdict
from pipelines.runner.summary import EXPERIMENT, FAILED, INTERRUPTED, PUSHED, REFUSED, TIE, UNCHANGED, Summary

_DECISIONS = {True: ("passed", "green"), False: ("refused", "bold red"), None: ("not reached", "dim")}
_SHOWN_REASONS = 6  # per gate; the rest is in summary.json
_LABEL_WIDTH = 12
_NOT_PUSHED = {
    REFUSED: "a gate refused the model",
    FAILED: "the run failed",
    INTERRUPTED: "the run was interrupted",
}
_NEXT = {
    PUSHED: "edit the model or the features and run again: only what depends on the edit will run",
    UNCHANGED: "edit the model or the features and run again: only what depends on the edit will run",
    TIE: "improve the model, or push it as it is with --push-ties (make: PUSH_TIES=1): all else is in the cache",
    EXPERIMENT: "to push it, run again without --experiment (make: EXPERIMENT): everything else comes from the cache",
    REFUSED: "see the reasons above; every metric of every slice is in the record",
    FAILED: "fix the error and run again: finished nodes come from the cache; the log has the traceback",
    INTERRUPTED: "run again: finished nodes come from the cache",
}
_NEXT_OF_DATA = (
    "correct the data, or the contract that the findings name, and run again: finished nodes come from the cache"
)
_NEXT_OF_COMPARISON = (
    "improve the model and run again, or keep the version pushed before; success.comparison in the task's scoping.toml "
    "has the metric and the margins"
)
_AFTER_REVIEW = "review it, and run again: everything else comes from the cache"


def write_report_page(summary: Summary, var: Path) -> None:
    """Write report.html next to the record, which must exist. Put its path into the summary, or why it is missing.

    Args:
        summary: the run's summary.
        var: the folder that the run wrote to.
    """
    try:
        # Imported here: it loads TensorFlow and Altair; without them the results are still printed.
        from pipelines.report.page import write_report
        from pipelines.runs import Runs

        summary.report_path = str(write_report(Runs(var).open(summary.run_id), var / "cache"))
        summary.report_error = None
    except KeyboardInterrupt:
        summary.report_error = "interrupted"
    except Exception as error:  # The record and the terminal have the message, the log has the traceback.
        traceback.print_exc()
        summary.report_error = explain(error)


def print_final_report(console: Console, summary: Summary, directory: Path) -> None:
    """Print how the run ended.

    Args:
        console: the terminal.
        summary: the run's summary.
        directory: the run's folder, with its record and its log.
    """
    console.print()
    decided = [verdict for verdict in summary.verdicts if verdict.passed is not None]
    for verdict in summary.verdicts if decided else ():
        print_verdict(console, verdict)
    if decided and summary.review:
        _print_review(console, summary)
    if OVERALL in summary.metrics:
        values = sorted((name, value) for name, value in summary.metrics[OVERALL].items() if value is not None)
        print_line(console, "metrics", "  ".join(f"{name}={format_readable(value)}" for name, value in values))
    for score in summary.experiment.seeds if summary.experiment else ():
        value = f"{score.value:.4f} ({score.low:.4f} to {score.high:.4f})"
        print_line(console, f"{score.trainings} seeds", f"{score.metric} {value} on training rows that were held out")
    if summary.latency:
        print_line(console, "one row", _format_latency(summary))
    if summary.error:
        # If a gate refused, its findings are printed above.
        refused = any(verdict.passed is False for verdict in decided)
        print_line(console, "error", summary.error.splitlines()[0] if refused else summary.error, style="bold red")
    _print_outcome(console, summary)
    if (directory / "summary.json").exists():
        print_path(console, "record", directory / "summary.json")
    if summary.report_path:
        print_path(console, "report", Path(summary.report_path))
    else:
        print_line(console, "no report", f"{summary.report_error}; the log has the traceback", style="yellow")
    print_path(console, "log", directory / "run.log")
    print_line(console, "next", _describe_next(summary))


def _describe_next(summary: Summary) -> str:
    if _lacks_only_a_review(summary):
        return _AFTER_REVIEW
    if _refused_the_data(summary):
        return _NEXT_OF_DATA
    if summary.status == REFUSED and _only_the_comparison_refused(summary):
        return _NEXT_OF_COMPARISON
    return _NEXT[summary.status]


def _refused_the_data(summary: Summary) -> bool:
    """Tell whether the run failed only since AnomalyGate refused the data."""
    ended_badly = [result for result in summary.nodes if result.error is not None]
    return summary.status == FAILED and bool(ended_badly) and all(result.refused for result in ended_badly)


def _only_the_comparison_refused(summary: Summary) -> bool:
    """Tell whether BetterGate alone held the model back: it is worse, or a tie that may exceed a margin."""
    held = [one.gate for one in summary.verdicts if not one.passed or one.word]
    return held == [BETTER_GATE]


def format_path(path: Path) -> str:
    """Format a path, relative to the current folder if it is below it."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _format_latency(summary: Summary) -> str:
    """Format the embedded model server's latency on this machine: `REST rows 1.2 ms (p95 1.9)` for each transport."""
    return "  ".join(
        f"{transport} {measured['p50_ms']:.1f} ms (p95 {measured['p95_ms']:.1f})"
        for transport, measured in summary.latency.items()
    )


def print_verdict(console: Console, verdict: Verdict) -> None:
    """Print a gate's decision and its reasons."""
    word, style = (verdict.word, "bold cyan") if verdict.word else _DECISIONS[verdict.passed]
    reasons = list(verdict.reasons[:_SHOWN_REASONS])
    if len(verdict.reasons) > _SHOWN_REASONS:
        reasons.append(f"and {len(verdict.reasons) - _SHOWN_REASONS} more, in the record")
    print_line(console, verdict.gate, "\n".join(reasons), word=word, style=style)


def _print_review(console: Console, summary: Summary) -> None:
    """Print whether a person reviewed the task's files; in red only if the push requires it."""
    assert summary.review is not None
    style = "green" if not summary.review.remedy else "bold red" if summary.review_required else "yellow"
    print_line(console, "review", summary.review.reason, word=summary.review.state, style=style)


def _lacks_only_a_review(summary: Summary) -> bool:
    lacks = summary.review_required and summary.review is not None and bool(summary.review.remedy)
    return lacks and summary.status == REFUSED and all(verdict.passed for verdict in summary.verdicts)


def _print_outcome(console: Console, summary: Summary) -> None:
    seconds = f"in {summary.seconds:.0f} s"
    if summary.signed_by:
        seconds = f"signed by {summary.signed_by}; {seconds}"
    if summary.status == PUSHED:
        print_path(console, "pushed", Path(summary.pushed_to or ""), seconds, style="bold green")
    elif summary.status == UNCHANGED:
        note = f"already holds this model; {seconds}"
        print_path(console, "in place", Path(summary.pushed_to or ""), note, style="bold green")
    elif summary.status in (TIE, EXPERIMENT):
        print_line(console, "not pushed", f"{summary.not_pushed}; {seconds}", style="bold cyan")
    else:
        why = "no valid review" if _lacks_only_a_review(summary) else _NOT_PUSHED[summary.status]
        if _refused_the_data(summary):
            why = "a gate refused the data"
        print_line(
            console,
            "not pushed",
            f"{why} after {summary.seconds:.0f} s; versions pushed before are untouched",
            style="bold red",
        )


def print_line(console: Console, label: str, text: str, *, word: str = "", style: str = "") -> None:
    """Print a label, a word, and to the right of them a text, which is wrapped on a terminal."""
    head = Text(f"{label:<{_LABEL_WIDTH}} ", "" if word else style)
    if word:
        head.append(f"{word:<{_LABEL_WIDTH}} ", style)
    width = max(console.width - len(head), 20)
    lines = text.splitlines()
    if console.is_terminal:
        lines = [piece for line in lines for piece in textwrap.wrap(line, width, subsequent_indent="  ")]
    for number, line in enumerate(lines):
        console.print((head if number == 0 else Text(" " * len(head))) + Text(line), soft_wrap=True)


def print_path(console: Console, label: str, path: Path, note: str = "", *, style: str = "") -> None:
    """Print a path without wrapping it, so that it can be copied."""
    text = Text(f"{label:<{_LABEL_WIDTH}} ", style).append(format_path(path), "default").append(f" {note}", "default")
    text.rstrip()
    console.print(text, soft_wrap=True)
