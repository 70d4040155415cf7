"""Compare two runs: their data, code, parameters and metrics. It loads neither TFX nor TensorFlow.

If a node ran in only one of them, the node is named, and its parameters are left out.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Set
from typing import Any

import numpy as np
import pandas as pd

from pipelines.evaluation.slices import OVERALL
from pipelines.runs.errors import RunError, read_optional
from pipelines.runs.lineage import Lineage
from pipelines.runs.model_parts import read_features, read_layers
from pipelines.runs.paired import measure_differences, read_stored_pairs
from pipelines.runs.run import Run

_PLACE = ["split", "feature"]
_FIGURES = ("type", "rows", "missing_share", "mean", "std_dev", "min", "median", "max", "zeros", "unique", "top")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Change:
    """One value that differs; None: the run does not have it, or ended before it."""

    name: str
    before: Any
    after: Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunDifference:
    """What differs between two runs. What is the same is left out, except in `metrics`."""

    before: Run
    after: Run
    data: tuple[Change, ...]  # folder, fingerprint, split, spans, contract, rows of each split
    statistics: pd.DataFrame | None  # columns split, feature, figure, before, after; None: one of the runs has none
    nodes: tuple[Change, ...]  # that ran in only one run: True for that run, None for the other
    files: tuple[Change, ...] | None  # of the task, SHA-256 each; None: one of the runs recorded none
    code: tuple[Change, ...]  # digests of the code, of the whole and by node
    # Transformed features and layers of the model: `+name` added, `-name` removed. None: a run ended before them.
    features: tuple[Change, ...] | None
    layers: tuple[Change, ...] | None
    parameters: tuple[Change, ...]  # of the nodes, by dotted names
    hyperparameters: tuple[Change, ...]
    stack: tuple[Change, ...]  # versions of Python and libraries
    gates: tuple[Change, ...]  # verdicts
    metrics: pd.DataFrame  # columns slice, metric, before, after, difference; all metrics of both, changed or not

    @property
    def empty(self) -> bool:
        """Whether nothing differs."""
        parts = (self.data, self.nodes, self.files, self.code, self.parameters, self.hyperparameters, self.stack)
        moved = self.metrics["before"].ne(self.metrics["after"]) & self.metrics[["before", "after"]].notna().any(axis=1)
        figures = self.statistics is None or self.statistics.empty
        return not any((*parts, self.gates, self.features, self.layers)) and figures and not moved.any()


def compare_runs(before: Run, after: Run, *, figures: bool = True) -> RunDifference:
    """Compare two runs.

    Args:
        before: the earlier run.
        after: the later run.
        figures: whether to compare the statistics of the data, and the metrics on the same rows, which takes longest;
            False: `statistics` is None, and metrics are subtracted.

    Returns:
        What differs.

    Raises:
        RunError: They are of different tasks.
    """
    if before.task != after.task:
        raise RunError(
            f"runs of different tasks cannot be compared: {before.id} is of {before.task}, {after.id} of "
            f"{after.task}; name two runs of one task"
        )
    files_before, files_after = (run.summary["task_files"] for run in (before, after))
    lineages = read_optional(before.lineage), read_optional(after.lineage)
    nodes = [{step.node for step in lineage.steps} if lineage else set() for lineage in lineages]
    parameters, codes = (
        [_select_nodes(getattr(lineage, what) if lineage else {}, nodes[0] & nodes[1]) for lineage in lineages]
        for what in ("parameters", "code")
    )
    digests = [
        {"task and components": run.summary["source_digest"]} | code
        for run, code in zip((before, after), codes, strict=True)
    ]
    return RunDifference(
        before=before,
        after=after,
        data=compare_mappings(
            *(_describe_data(run, lineage) for run, lineage in zip((before, after), lineages, strict=True))
        ),
        statistics=_compare_statistics(before, after) if figures else None,
        files=compare_mappings(files_before, files_after) if files_before and files_after else None,
        nodes=compare_mappings(*(dict.fromkeys(sorted(names), True) for names in nodes)),
        code=compare_mappings(*digests),
        features=_compare_parts(before, after, read_features),
        layers=_compare_parts(before, after, read_layers),
        parameters=compare_mappings(*parameters),
        hyperparameters=compare_mappings(*(lineage.hyperparameters if lineage else {} for lineage in lineages)),
        stack=compare_mappings(before.summary["stack"], after.summary["stack"]),
        gates=compare_mappings(
            *({gate["gate"]: gate["passed"] for gate in run.summary["gates"]} for run in (before, after))
        ),
        metrics=_compare_metrics(
            before.summary["metrics"], after.summary["metrics"], _measure_pairs(before, after) if figures else {}
        ),
    )


def compare_mappings(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return the values that differ, in the order of the first mapping, then of the second.

    Example:
        >>> compare_mappings({"steps": 300, "seed": 1}, {"steps": 600, "seed": 1})
        (Change(name='steps', before=300, after=600),)
    """
    return tuple(
        Change(name=name, before=before.get(name), after=after.get(name))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    )


def _compare_parts(before: Run, after: Run, read: Callable[[Run], Mapping[str, str]]) -> tuple[Change, ...] | None:
    """Compare parts that both runs recorded: `+name` was added, `-name` removed. None if a run recorded none."""
    parts = [read_optional(functools.partial(read, run)) for run in (before, after)]
    if parts[0] is None or parts[1] is None:
        return None
    changes = compare_mappings(parts[0], parts[1])
    signs = {change.name: "+" * (change.before is None) + "-" * (change.after is None) for change in changes}
    return tuple(dataclasses.replace(change, name=signs[change.name] + change.name) for change in changes)


def _describe_data(run: Run, lineage: Lineage | None) -> dict[str, Any]:
    rows = {f"rows of {split}": count for split, count in run.summary["rows"].items()}
    found: dict[str, Any] = {"source": run.summary["data"]} | rows | {"split": run.summary["split"]}
    found |= {f"span {one['span']}": f"version {one['version']}" for one in run.summary["spans"]}
    if lineage is not None and lineage.data is not None:
        found |= {"fingerprint": lineage.data.fingerprint, "span": lineage.data.span}
    return found | ({"contract": lineage.contract} if lineage is not None and lineage.contract else {})


def _select_nodes(values: Mapping[str, Any], nodes: Set[str]) -> dict[str, Any]:
    """Select the values whose name is, or begins with, one of the nodes."""
    return {name: value for name, value in values.items() if name.partition(".")[0] in nodes}


def _compare_statistics(before: Run, after: Run) -> pd.DataFrame | None:
    tables = [read_optional(run.statistics_table) for run in (before, after)]
    long = [
        table.astype(object).melt(_PLACE, list(_FIGURES), "figure", side)
        for table, side in zip(tables, ("before", "after"), strict=True)
        if table is not None
    ]
    if len(long) < len(tables):
        return None
    both = long[0].merge(long[1], on=[*_PLACE, "figure"], how="outer", sort=False)
    differs = both["before"].ne(both["after"]) & (both["before"].notna() | both["after"].notna())
    return both[differs].reset_index(drop=True)


def _measure_pairs(before: Run, after: Run) -> Mapping[tuple[str, str], float]:
    """Return the differences of metrics on the same rows, as BetterGate measures them; empty if the rows differ."""
    try:
        paired = read_stored_pairs(before, after)
    except RunError:  # gc removed the stored predictions; the values in the records remain.
        return {}
    return measure_differences(paired) if paired is not None else {}


def _compare_metrics(
    before: Mapping[str, Mapping[str, float]],
    after: Mapping[str, Mapping[str, float]],
    paired: Mapping[tuple[str, str], float],
) -> pd.DataFrame:
    rows = [
        (where, metric, before.get(where, {}).get(metric), after.get(where, {}).get(metric))
        for where in sorted({**before, **after}, key=lambda where: (where != OVERALL, where))
        for metric in dict.fromkeys([*before.get(where, {}), *after.get(where, {})])
    ]
    table = pd.DataFrame(rows, columns=["slice", "metric", "before", "after"])
    table = table.astype({"before": "float64", "after": "float64"})
    differences = [paired.get((row.slice, row.metric), row.after - row.before) for row in table.itertuples(index=False)]
    return table.assign(difference=np.array(differences, np.float64))
