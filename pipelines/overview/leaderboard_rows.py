"""Turn runs into the texts and numbers of the leaderboard's rows."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pipelines.evaluation.weighted_metrics import DIRECTED, SMALLER_IS_BETTER
from pipelines.report.numbers import NONE, format_metric
from pipelines.runs.leaderboard import PARAMETER
from pipelines.runs.outcome import PUSHED, UNCHANGED

_MARKS = {"better": ("better", "good"), "worse": ("worse", "bad"), "changed": ("changed", "warn")}
_COLORS = {PUSHED: "good", UNCHANGED: "good", "refused": "bad", "failed": "bad", "experiment": "quiet"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class MetricCell:
    """One metric of one run."""

    name: str
    value: str
    interval: str  # empty if it is not known
    key: float | None  # to sort by; None comes last
    mark: tuple[str, str] | None  # "better", "worse" or "changed" compared with the baseline, and its CSS class
    best: bool  # whether it is the best of the runs on the same eval rows


@dataclasses.dataclass(frozen=True, kw_only=True)
class LeaderboardRow:
    """One run of the leaderboard."""

    run: str
    link: str | None  # to its report
    started: str
    started_key: str
    status: str
    css_class: str
    experiment: str | None
    note: str
    tags: tuple[str, ...]
    data_digest: str
    metrics: tuple[MetricCell, ...]
    parameters: tuple[tuple[str, str], ...]  # those that are not the same in all runs
    before: str | None
    changed: tuple[str, ...]
    reviewer: str | None
    outcome: str


def describe_rows(table: pd.DataFrame, metrics: Sequence[str], links: Mapping[str, str]) -> list[LeaderboardRow]:
    """Return the rows, the best by the first metric first, and runs without that metric last.

    Args:
        table: as pipelines.runs.leaderboard returned it.
        metrics: names of its metrics, the most important first.
        links: run -> address of its report.
    """
    varying = [name for name, values in _list_parameters(table).items() if len(values) > 1]
    best = {name: find_best(table, name) for name in metrics}
    ordered = table.iloc[::-1]
    if metrics:
        ascending = metrics[0] in SMALLER_IS_BETTER
        ordered = ordered.sort_values(metrics[0], ascending=ascending, kind="stable", na_position="last")
    return [_describe_row(row, metrics, best, varying, links) for row in ordered.to_dict("records")]


def find_shared_parameters(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the parameters whose value is the same in all runs with parameters."""
    values = _list_parameters(table)
    return [(name.removeprefix(PARAMETER), found.pop()) for name, found in values.items() if len(found) == 1]


def _describe_row(
    row: Mapping[str, Any],
    metrics: Sequence[str],
    best: Mapping[str, set[str]],
    varying: Sequence[str],
    links: Mapping[str, str],
) -> LeaderboardRow:
    started = row["started"]
    return LeaderboardRow(
        run=row["run"],
        link=links.get(row["run"]),
        started=NONE if pd.isna(started) else f"{started:%Y-%m-%d %H:%M}",
        started_key="" if pd.isna(started) else started.isoformat(),
        status=row["status"],
        css_class=_COLORS.get(row["status"], "warn"),
        experiment=row["experiment"],
        note=row["note"],
        tags=row["tags"],
        data_digest=row["data_digest"],
        metrics=tuple(_describe_metric(row, name, row["run"] in best[name]) for name in metrics),
        parameters=tuple(
            (name.removeprefix(PARAMETER), _say(row[name])) for name in varying if _say(row[name]) != NONE
        ),
        before=row["before"],
        changed=row["changed"],
        reviewer=row["reviewer"],
        outcome=row["outcome"],
    )


def _describe_metric(row: Mapping[str, Any], name: str, best: bool) -> MetricCell:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return MetricCell(
        name=name,
        value=format_metric(row[name]),
        interval="" if pd.isna(low) else f"{format_metric(low)} to {format_metric(high)}",
        key=None if pd.isna(row[name]) else float(row[name]),
        mark=_MARKS.get(row[f"{name}_meaning"]),
        best=best,
    )


def find_best(table: pd.DataFrame, metric: str) -> set[str]:
    """Return the best runs on each set of eval rows that several runs were measured on; runs may tie.

    A metric without a better direction has no best run.
    """
    found: set[str] = set()
    if metric not in DIRECTED:
        return found
    for digest, runs in table[table[metric].notna()].groupby("data_digest"):
        if digest and len(runs) > 1:
            best = runs[metric].min() if metric in SMALLER_IS_BETTER else runs[metric].max()
            found |= set(runs.loc[runs[metric] == best, "run"])
    return found


def _list_parameters(table: pd.DataFrame) -> dict[str, set[str]]:
    """Return the values of each parameter in words, over the runs that have any parameter."""
    names = [name for name in table if name.startswith(PARAMETER)]
    trained = table[table[names].notna().any(axis=1)]
    return {name: set(trained[name].map(_say)) for name in names}


def _say(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(str, value))}]"
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return NONE
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)
