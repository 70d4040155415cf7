"""Plan a new task: compute every value that its templates are filled with."""

import dataclasses
import math
import re
from pathlib import Path
from typing import Any

import pandas as pd

from components.csv_example_gen.csv_files import CellKind
from components.csv_example_gen.row_split import EVAL_SHARE
from pipelines.evaluation.readable_numbers import format_readable
from pipelines.scaffold import baseline, contract
from pipelines.scaffold.columns import Encoding, PlannedFeature, ProfiledColumn, is_long_tailed, profile_columns
from pipelines.scaffold.names import make_distinct, make_feature_name
from pipelines.scaffold.question import Question
from pipelines.scaffold.source import Source
from pipelines.scaffold.yardsticks import measure_yardsticks
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION
from serving.contract.missing_values import MISSING_CELL_TAG
from serving.contract.schema_file import CLASS_TAG

_SLICES = 3  # columns that the evaluation slices by, at most
_MOST_SLICES_OF_A_COLUMN = 10
_PLAIN = re.compile(r"[\w .,+-]+")  # texts that need no quotes in prose and in a docstring
_STEPS = {False: 600, True: 3000}  # training steps in which a network converges; True: the larger one
_MANY = 5000  # training rows; with this many a larger network does not overfit
_RETRAINING_ROWS = 100  # new rows that make a training due, at least
_HUBER = 0.2  # standard deviations, if a few labels are much larger than the others


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaskPlan:
    """A task before it is written."""

    name: str
    source: Source
    question: Question
    columns: list[ProfiledColumn]
    baseline: baseline.Baseline
    yardsticks: list[tuple[str, str]]  # name and metrics of each simple model on a third of the rows

    @property
    def used(self) -> list[ProfiledColumn]:
        """The columns that become features."""
        return [column for column in self.columns if column.features]

    @property
    def left_out(self) -> list[ProfiledColumn]:
        """The columns that become no feature."""
        return [column for column in self.columns if not column.features]

    @property
    def suspects(self) -> list[ProfiledColumn]:
        """The columns that alone predict the label (almost) perfectly."""
        return [column for column in self.columns if column.suspicion]

    @property
    def features(self) -> list[PlannedFeature]:
        """The features of all columns."""
        return [feature for column in self.columns for feature in column.features]


def make_plan(name: str, source: Source, question: Question) -> TaskPlan:
    """Profile the columns, and measure the constant and the yardsticks.

    Args:
        name: Name of the task.
        source: The rows.
        question: What is predicted.

    Returns:
        The plan.

    Raises:
        ScaffoldError: No column can become a feature, or one holds dates that can be read in two ways.
    """
    measured = baseline.measure_baseline(question, source.table[question.label])
    columns = profile_columns(source, question)
    source = _with_texts(source, columns)
    return TaskPlan(
        name=name,
        source=source,
        question=question,
        columns=columns,
        baseline=measured,
        yardsticks=measure_yardsticks(source, question, columns),
    )


def _with_texts(source: Source, columns: list[ProfiledColumn]) -> Source:
    """Return the rows as the pipeline reads them with the task's contract: codes as texts, without number formats."""
    texts = [each.name for each in columns if each.kind is CellKind.BYTES and source.kinds[each.name] is CellKind.INT]
    return dataclasses.replace(
        source,
        kinds=source.kinds | dict.fromkeys(texts, CellKind.BYTES),
        table=source.table.assign(**{name: source.read_as_text(name) for name in texts}),
        formats={name: written for name, written in source.formats.items() if name not in texts},
        examples={name: cell for name, cell in source.examples.items() if name not in texts},
    )


def template_values(plan: TaskPlan, *, sha256: str, outside: Path | None) -> dict[str, Any]:
    """Return the templates' variables.

    Args:
        plan: Plan of the task.
        sha256: Digest of the rows' file as the task will read it, in hexadecimal.
        outside: Path of that file, if the project keeps no copy.
    """
    question, source = plan.question, plan.source
    labels = source.table[question.label]
    rows = len(labels)
    features = contract.propose_features(source, question, plan.columns)
    taken = {*source.kinds, *(feature.name for feature in plan.features)}
    regression = question.problem == REGRESSION
    bounds = (labels.min().item(), labels.max().item()) if regression else (0, 0)
    counts = [] if regression else [(value, int((labels == value).sum())) for value in question.classes]
    return {
        "name": plan.name,
        "problem": question.problem,
        "binary": question.problem == BINARY,
        "multiclass": question.problem == MULTICLASS,
        "regression": regression,
        "label": question.label,
        "label_type": question.kind.name,
        "label_range": _describe_range(labels) if regression else "",
        "label_bounds": contract.propose_range(bounds[0], bounds[1], question.kind) if regression else None,
        "transformed_label": make_feature_name(question.label, "label", taken),
        "classes": question.classes,
        "class_counts": counts,
        "class_shares": ", ".join(f"{value} {count / rows:.1%}" for value, count in counts),
        "question_sentence": phrase_question(question),
        "rows": rows,
        "columns": plan.columns,
        "used": plan.used,
        "left_out": plan.left_out,
        "suspects": plan.suspects,
        "has": {encoding.value: any(each.encoding is encoding for each in plan.features) for encoding in Encoding},
        "tested": _choose_tests(plan.features),
        "dates": {column.name: column.written for column in plan.used if column.written},
        "lists": {column.name: column.separator for column in plan.used if column.separator},
        "stacks": _name_stacks(taken),
        "min_count": max((feature.min_count for feature in plan.features), default=1),
        "contract": features,
        "missing_number": contract.MISSING_NUMBER,
        "missing_cells": sorted(
            {MISSING_CELL_TAG + spelling for found in source.missing.values() for spelling in found}
        ),
        "formats": source.examples,
        "label_tags": (
            *(source.formats[question.label].tags if question.label in source.formats else ()),
            *_class_tags(question),
        ),
        "file_name": source.file_name(plan.name, outside),
        "least_rows_of_a_split": max(10, min(30, rows // 10)),
        "slices": _choose_slices(features, plan.used),
        "min_slice_rows": max(20, min(100, rows // 60)),
        "metrics": baseline.METRICS[question.problem],
        "baseline": plan.baseline,
        "yardsticks": "; ".join(f"{name}: {figures}" for name, figures in plan.yardsticks),
        "thresholds": plan.baseline.bounds,
        "renamed": source.renamed,
        "sha256": sha256,
        "outside": str(outside) if outside else "",
        "data_location": "a file outside this repository"
        if outside
        else f"`data/{plan.name}/{source.file_name(plan.name, outside)}`",
        "new_rows": max(_RETRAINING_ROWS, rows // 10),
        **_choose_training_settings(rows),
        "huber": _HUBER if regression and is_long_tailed(labels) else 0.0,
    }


def _describe_range(labels: pd.Series) -> str:
    low, high = (format_readable(value, 6) for value in (labels.min(), labels.max()))
    return f"{low} to {high}, {format_readable(labels.mean())} in the mean"


def _class_tags(question: Question) -> tuple[str, ...]:
    """Return tags that list the classes, for labels whose domain cannot: numbers with gaps between them."""
    classes = question.classes
    if question.problem != MULTICLASS or question.kind is CellKind.BYTES:
        return ()
    is_range = question.kind is CellKind.INT and list(classes) == list(range(int(classes[0]), int(classes[-1]) + 1))
    return () if is_range else tuple(f"{CLASS_TAG}{value}" for value in classes)


def phrase_question(question: Question) -> str:
    """Phrase the question as a sentence."""
    if question.problem == REGRESSION:
        return f"How much is {question.label}?"
    if question.problem == MULTICLASS:
        return f"Which {question.label} is it, of {len(question.classes)}?"
    positive = str(question.classes[1])
    return f"Is {question.label} {positive}?" if _PLAIN.fullmatch(positive) else f"Which {question.label} is it, of 2?"


def _choose_training_settings(rows: int) -> dict[str, int | float]:
    """Choose the hyperparameters that depend on the number of rows."""
    train = rows * (1 - EVAL_SHARE)
    batch_size = 16 if train < 1000 else 32 if train < _MANY else 128
    holdout = 5 if train < 1000 else 10 if train < 5000 else 20
    many = train >= _MANY
    epochs = max(5, min(40, math.ceil(_STEPS[many] * batch_size / (train * (1 - 1 / holdout)))))
    return {
        "learning_rate": 0.005 if many else 0.01,
        "l2": 1e-5 if many else 1e-3,
        "pieces": 32 if many else 0,
        "hidden_layers": 2 if many else 1,
        "hidden_units": 128 if many else 16,
        "batch_size": batch_size,
        "holdout": holdout,
        "epochs": epochs,
        "patience": max(2, epochs // 5),
    }


def _choose_slices(features: list[contract.ContractFeature], used: list[ProfiledColumn]) -> tuple[str, ...]:
    encoded = {column.name for column in used}
    found = [
        feature.name
        for feature in features
        if feature.name in encoded and 2 <= len(feature.known) <= _MOST_SLICES_OF_A_COLUMN
    ]
    return tuple(found[:_SLICES])


def _choose_tests(features: list[PlannedFeature]) -> set[str]:
    """Return the kinds of features that exist: a test of any other kind would pass without testing anything."""
    numbered = {feature for feature in features if feature.encoding is Encoding.NUMBERED}
    scaled = {feature for feature in features if feature.encoding is Encoding.SCALED}
    found = {
        "numbers": any(not feature.part for feature in scaled),
        "trends": any(feature.part == "trend" for feature in scaled),
        "ids": any(not feature.part and not feature.item for feature in numbered),
        "parts": any(feature.part for feature in numbered),
    }
    return {kind for kind, there in found.items() if there}


def _name_stacks(taken: set[str]) -> dict[str, str]:
    """Name the transformed tensor of each kind of feature."""
    plain = {Encoding.SCALED: "numbers", Encoding.NUMBERED: "codes", Encoding.VOCABULARY: "texts"}
    return {kind.value: make_distinct(name, {one.lower() for one in taken}) for kind, name in plain.items()}
