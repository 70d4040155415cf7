"""What the terminal says: a few words per node, and at the end verdicts, metrics, what was pushed, what to try next."""

import os
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.types import artifact_utils, standard_artifacts

from pipelines.launch import NodeResult
from pipelines.summary import Summary
from pipelines.verdicts import OVERALL, Verdict

_PROJECT = ("components", "pipelines", "data", "tests")
_WORDS = {True: ("passed", "green"), False: ("refused", "bold red"), None: ("not reached", "dim")}
_SHOWN_REASONS = 6


def explain(error: BaseException) -> str:
    """An error in one line or two: our own as they are, those of libraries with their type."""
    text = str(error).strip()
    if type(error).__module__.partition(".")[0] in _PROJECT:
        return text
    lines = text.splitlines() or ["no message"]
    return f"{type(error).__name__}: {lines[0]}" + (f" … {lines[-1]}" if len(lines) > 1 else "")


def wrote(result: NodeResult) -> str:
    """What a node wrote, in a few words; its error if it failed."""
    if result.error is not None:
        return explain(result.error).splitlines()[0]
    if result.node == "StatisticsGen":
        return ", ".join(f"{split} {rows:,} rows" for split, rows in row_counts(result).items())
    if result.node == "Evaluator":
        return _blessing_words(result)
    if result.node == "SkewGate":
        return _blessing_words(result)
    if result.node == "Pusher" and result.outputs:
        properties = result.outputs[0].properties
        return f"version {properties['pushed_version']}" if properties.get("pushed") else "not pushed"
    return ", ".join(output.key for output in result.outputs)


def row_counts(result: NodeResult | None) -> dict[str, int]:
    """Split -> rows, from what StatisticsGen wrote."""
    if result is None or not result.outputs:
        return {}
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri = str(result.uri("statistics"))
    splits = sorted(path.name.removeprefix("Split-") for path in Path(statistics.uri).glob("Split-*"))
    statistics.split_names = artifact_utils.encode_split_names(splits)
    return {
        split: int(stats_artifact_utils.load_statistics(statistics, split).proto().datasets[0].num_examples)
        for split in reversed(splits)
    }


def say(console: Console, summary: Summary, directory: Path) -> None:
    """Prints how the run ended."""
    console.print()
    if any(verdict.passed is not None for verdict in summary.verdicts):
        console.print(_verdict_table(summary.verdicts))
        console.print()
    if OVERALL in summary.metrics:
        numbers = "  ".join(f"{name} {value:.4g}" for name, value in sorted(summary.metrics[OVERALL].items()))
        console.print(f"metrics   {numbers}", markup=False, soft_wrap=True)
    if summary.schema_differences:
        count = len(summary.schema_differences)
        console.print(f"schema    {count} differences between this data's proposal and the contract, in the summary")
    if summary.error:
        console.print(Text("error     ", "bold red") + Text(summary.error), soft_wrap=True)
    console.print(_outcome(summary), soft_wrap=True)
    console.print(f"record    {_shown(directory / 'summary.json')}", soft_wrap=True)
    console.print(f"next      {_advice(summary, directory)}", soft_wrap=True, markup=False)


def _blessing_words(result: NodeResult) -> str:
    blessed = any(output.properties.get("blessed") == 1 for output in result.outputs if output.key == "blessing")
    return "blessed" if blessed else "not blessed"


def _verdict_table(verdicts: tuple[Verdict, ...] | list[Verdict]) -> Table:  # type: ignore[type-arg]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for verdict in verdicts:
        word, style = _WORDS[verdict.passed]
        shown = list(verdict.reasons[:_SHOWN_REASONS])
        if len(verdict.reasons) > _SHOWN_REASONS:
            shown.append(f"and {len(verdict.reasons) - _SHOWN_REASONS} more, in the summary")
        table.add_row(verdict.gate, Text(word, style), Text("\n".join(shown)))
    return table


def _outcome(summary: Summary) -> Text:
    seconds = f" in {summary.seconds:.0f} s"
    if summary.status == "pushed":
        return Text("pushed    ", "bold green") + Text(f"{_shown(Path(summary.pushed_to or ''))}{seconds}")
    if summary.status == "unchanged":
        return Text("in place  ", "bold green") + Text(
            f"{_shown(Path(summary.pushed_to or ''))} already holds this model{seconds}"
        )
    return Text("not pushed", "bold red") + Text(f" ({summary.status}){seconds}; earlier versions are untouched")


def _advice(summary: Summary, directory: Path) -> str:
    if summary.status in ("pushed", "unchanged"):
        return f"edit pipelines/{summary.task}/model.py and run again: only what depends on it will run"
    if summary.status == "refused":
        return "see the reasons above; every metric and slice is in the record"
    if summary.status == "interrupted":
        return "run again: finished nodes come from the cache"
    return f"the traceback is in {_shown(directory / 'run.log')}"


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
