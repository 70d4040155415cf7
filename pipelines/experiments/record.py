"""Print a comparison as a table, and write it as JSON."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from pipelines.evaluation.bootstrap import Interval
from pipelines.evaluation.measures import Measure
from pipelines.search.comparison import CandidateScore
from pipelines.search.trainings import Training
from serving.durable_file import write_whole


def print_table(
    console: Console,
    measures: Sequence[Measure],
    compared: Mapping[str, Mapping[str, CandidateScore]],
    trainings: Mapping[str, Sequence[Training]],
) -> None:
    """Print one row for each candidate, the best first; candidates without a comparison come last.

    Args:
        console: prints the table.
        measures: the columns; the last measure decides the order.
        compared: the score by candidate and measure.
        trainings: of all candidates, including those without a comparison.
    """
    deciding = measures[-1]
    with_changes = any(found[deciding.name].change is not None for found in compared.values())
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for measure in measures:
        table.add_column(f"{measure.label} (95%)", justify="right", no_wrap=True)
    if with_changes:
        table.add_column(f"change of {deciding.label}", justify="right", no_wrap=True)
    for heading in ("chance best", "training", "parameters", "finished"):
        table.add_column(heading, justify="right")
    sign = -1 if deciding.larger_is_better else 1
    ranked = sorted(compared, key=lambda name: sign * compared[name][deciding.name].expected.value)
    for name in [*ranked, *(name for name in trainings if name not in compared)]:
        table.add_row(name, *_cells(measures, compared.get(name), with_changes), *_costs(trainings[name]))
    # At least 160 columns: a narrower terminal wraps the lines, and no number is cut off.
    Console(file=console.file, width=max(console.width, 160), highlight=False).print(table)


def describe_failures(name: str, trainings: Sequence[Training]) -> list[str]:
    """Return a line for each reason why trainings did not finish."""
    reasons = [found.failure for found in trainings if found.failure is not None]
    return [f"{name}: {reasons.count(why)} of {len(trainings)} trainings: {why}" for why in dict.fromkeys(reasons)]


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record as JSON, whole or not at all; NaN and infinity become null."""
    write_whole(path, json.dumps(_plain(record), indent=2, allow_nan=False) + "\n")


def training_record(training: Training, seed: int) -> dict[str, Any]:
    """Return one training in JSON's types."""
    return {
        "number": training.number,
        "seed": seed,
        "seconds": round(training.seconds, 2),
        "parameters": training.parameters,
        "failure": training.failure,
    }


def score_record(compared: Mapping[str, CandidateScore] | None) -> dict[str, Any] | None:
    """Return a candidate's scores by measure in JSON's types, or None if it was not compared."""
    if compared is None:
        return None
    return {
        name: {
            **vars(found.expected),
            "chance_best": found.chance_best,
            "change": None if found.change is None else vars(found.change),
        }
        for name, found in compared.items()
    }


def _cells(measures: Sequence[Measure], compared: Mapping[str, CandidateScore] | None, with_changes: bool) -> list[str]:
    if compared is None:
        return ["–"] * (len(measures) + with_changes + 1)
    cells = [_interval(compared[measure.name].expected) for measure in measures]
    deciding = compared[measures[-1].name]
    if with_changes:
        cells.append("" if deciding.change is None else _interval(deciding.change, "+"))
    return [*cells, f"{deciding.chance_best:.0%}"]


def _costs(trainings: Sequence[Training]) -> list[str]:
    finished = [training for training in trainings if training.failure is None]
    share = f"{len(finished)}/{len(trainings)}"
    if not finished:
        return ["–", "–", share]
    seconds = float(np.mean([training.seconds for training in finished]))
    return [f"{seconds:.1f} s", f"{finished[0].parameters:,}", share]


def _interval(interval: Interval, sign: str = "") -> str:
    digits = 4 if abs(interval.value) < 100 else 1
    value, low, high = (f"{end:{sign}.{digits}f}" for end in (interval.value, interval.low, interval.high))
    return f"{value} ({low} to {high})"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return None if not math.isfinite(value) else float(value)
    return value
