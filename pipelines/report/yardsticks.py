"""Compare a run's model with yardsticks: simple models on the same split."""

import dataclasses
import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from components.source_digest import source_digest
from pipelines import nodes
from pipelines.nodes import EVAL, TRAIN
from pipelines.report.predictions import EvalPredictions
from pipelines.runs import Run
from pipelines.task_definition.problem import MULTICLASS, REGRESSION
from pipelines.yardstick import comparison
from pipelines.yardstick.comparison import BETTER, WORSE, Compared, YardstickPredictions
from pipelines.yardstick.models import sample_rows, take
from serving.durable_file import write_whole

_CSS = {BETTER: "good", WORSE: "bad"}
_FITTED_TO = (
    (nodes.EXAMPLE_GEN, "examples"),
    (nodes.IMPORT_SCHEMA_GEN, "schema"),
    (nodes.TRANSFORM, "transform_graph"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunYardsticks:
    """The comparison of a run's model with each yardstick."""

    compared: dict[str, list[Compared]]  # by yardstick; the last measure decides
    train_rows: int  # that the yardsticks were fitted to
    eval_rows: int  # that they were measured on
    all_rows: int  # rows of the eval split


def describe_yardsticks(run: Run, measured: EvalPredictions, cache: Path) -> dict[str, Any]:
    """Return the content of the subsection: our model and each yardstick on the eval rows.

    Args:
        run: The run to report on.
        measured: Labels and our predictions.
        cache: A folder that all reports share.

    Raises:
        RunError: The run has no rows or no model.
    """
    found = compare_yardsticks(run, measured, cache)
    rows = [
        {
            "name": name,
            "measure": one.measure.name,
            "value": one.value.value,
            "interval": one.value,
            "ours": one.ours.value,
            "difference": one.difference.value,
            "difference_interval": one.difference,
            "word": one.word,
            "css_class": _CSS.get(one.word, "quiet"),
        }
        for name, all_ in found.compared.items()
        for one in reversed(all_)
    ]
    best = comparison.find_best(found.compared)
    return {
        "rows": rows,
        "best": next(row for row in rows if row["name"] == best),
        "train_rows": found.train_rows,
        "eval_rows": found.eval_rows,
        "all_rows": found.all_rows,
        "all_train_rows": run.summary["rows"].get(TRAIN, found.train_rows),
    }


def compare_yardsticks(run: Run, measured: EvalPredictions, cache: Path) -> RunYardsticks:
    """Compare our model with each yardstick on the eval rows.

    Args:
        run: The run to report on.
        measured: Labels and our predictions.
        cache: A folder that all reports share.

    Returns:
        The comparison, on comparison.MOST_EVAL_ROWS rows at most.

    Raises:
        RunError: The run has no rows or no model.
    """
    predicted = _predict_once(run, measured, cache)
    return RunYardsticks(
        compared=comparison.compare_with_yardsticks(
            measured.task.problem,
            measured.labels[predicted.chosen],
            measured.predictions[predicted.chosen],
            predicted.predictions,
            measured.resamples,
        ),
        train_rows=predicted.train_rows,
        eval_rows=len(predicted.chosen),
        all_rows=len(measured.labels),
    )


def _predict_once(run: Run, measured: EvalPredictions, cache: Path) -> YardstickPredictions:
    """Return the yardsticks' predictions, cached while rows, contract, Transform graph, label and code are the same."""
    sources = {f"{node}.{key}": str(run.artifact(node, key)) for node, key in _FITTED_TO}
    sources |= {"code": source_digest(comparison), "label": measured.task.label}
    key = hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).hexdigest()
    path = cache / "yardsticks" / run.task / f"{key}.pickle"
    if path.is_file():
        return pickle.loads(path.read_bytes())
    predicted = _predict(run, measured)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, pickle.dumps(predicted))
    for other in path.parent.glob("*.pickle"):  # from other rows or code; another process may remove it as well
        if other != path:
            other.unlink(missing_ok=True)
    return predicted


def _predict(run: Run, measured: EvalPredictions) -> YardstickPredictions:
    model, problem = run.model(), measured.task.problem
    every = max(1, run.summary["rows"].get(TRAIN, 0) // comparison.MOST_TRAIN_ROWS)
    records, rows = run.records(TRAIN, every), run.rows(TRAIN, every)
    sampled = sample_rows(len(records), comparison.MOST_TRAIN_ROWS)
    records, rows = [records[place] for place in sampled], take(rows, sampled)
    labels = model.transformed(records)[measured.task.label].reshape(len(records), -1)[:, 0]
    columns = [feature.name for feature in model.contract.features if feature.name in rows]
    every_eval = -(-len(measured.labels) // comparison.MOST_EVAL_ROWS)
    return YardstickPredictions(
        chosen=np.arange(0, len(measured.labels), every_eval),
        predictions=comparison.predict_yardsticks(
            problem,
            count_outputs(measured),
            rows[columns],
            labels,
            run.rows(EVAL, every_eval)[columns],
            {feature.name: feature.written for feature in model.contract.features if feature.written},
        ),
        train_rows=len(rows),
    )


def count_outputs(measured: EvalPredictions) -> int:
    """Return the number of classes; 1 for a regression."""
    if measured.task.problem == REGRESSION:
        return 1
    return int(np.shape(measured.predictions)[1]) if measured.task.problem == MULTICLASS else 2
