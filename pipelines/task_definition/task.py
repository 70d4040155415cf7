"""Define Task, the record of what a prediction task provides to the pipelines."""

import dataclasses
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path

from tensorflow_model_analysis.proto import config_pb2

from components.csv_example_gen.row_split import RowSplit, Split
from pipelines.task_definition.lookup import TaskError, task_module
from pipelines.task_definition.problem import PROBLEMS
from pipelines.task_definition.scoping import Comparison
from pipelines.task_definition.tuning import Tuning


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """One prediction task. Its functions are passed as functions; TFX gets their dotted paths."""

    name: str  # also of the pipeline, its artifacts, and the served model
    problem: str  # one of pipelines.task_definition.problem.PROBLEMS
    label: str  # its name after preprocessing_fn
    prepare_data: Callable[[Path], Path]  # writes raw CSV below the folder that it receives, returns the folder to read
    contract: Path  # the curated schema, text format
    preprocessing_fn: Callable[..., object]  # defines every feature, for Transform
    run_fn: Callable[..., None]  # trains and exports, for Trainer; ends with pipelines.modeling.export.export_model
    make_eval_config: Callable[[], config_pb2.EvalConfig]  # metrics, slices and thresholds
    train_steps: int | None = None  # batches at most; None: run_fn decides, for example by epochs
    split: Split = RowSplit()  # of the rows into train and eval; KeySplit or TimeSplit if rows are not independent
    classes: tuple[str, ...] = ()  # names of the labels 0, 1, …; empty: they have none
    hyperparameters: Path | None = None  # TOML, see pipelines.modeling.hyperparameters; None: run_fn has its own
    tuning: Tuning | None = None  # how to search for better ones; needs `hyperparameters`
    scoping: Path | None = None  # TOML, see pipelines.task_definition.scoping
    comparison: Comparison | None = None  # with models pushed before; None: each model that passes the gates is pushed
    min_slice_rows: int = 1  # of the eval split; metrics of smaller slices are noise, and are not reported
    model_card: Path | None = None  # Markdown: intended use, data, metrics, limits, ethics; a part of each run's report
    # Vocabulary, as preprocessing_fn names it -> raw column of strings. The record says how much each leaves out.
    vocabularies: Mapping[str, str] = dataclasses.field(default_factory=dict)
    # Transformed feature of several columns -> the columns' names. Without them a report names only the feature.
    feature_parts: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    # Transformed feature, or a part of it -> raw columns that it reads. Messages about a column then name the feature.
    feature_columns: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    tolerated_anomalies: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)  # feature -> kinds

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise TaskError(f"task name: expected a Python identifier, received {self.name!r}")
        if self.problem not in PROBLEMS:
            raise TaskError(
                f"task {self.name}: expected a problem that is one of {', '.join(PROBLEMS)}, received {self.problem!r}"
            )
        if not isinstance(self.split, Split):
            raise TaskError(
                f"task {self.name}: split: expected RowSplit(), KeySplit(column) or TimeSplit(column), received "
                f"{self.split!r}"
            )
        for what in ("contract", "hyperparameters", "scoping", "model_card"):
            path = getattr(self, what)
            if path is not None and not path.is_file():
                words = what.replace("_", " ")
                raise TaskError(f"task {self.name}: no {words} at {path}; write one, or correct the path")
        if self.tuning is not None and self.hyperparameters is None:
            raise TaskError(
                f"task {self.name}: tuning without hyperparameters; name the file that a search improves on"
            )
        names = [name for parts in self.feature_parts.values() for name in parts]
        if twice := sorted({name for name in names if names.count(name) > 1} if len({*names}) < len(names) else ()):
            raise TaskError(f"task {self.name}: feature_parts: expected different names, received {twice[0]!r} twice")
        if self.train_steps is not None and self.train_steps < 1:
            raise TaskError(f"task {self.name}: expected train_steps of 1 or more, received {self.train_steps}")


def load_task(name: str) -> Task:
    """Import a task.

    Args:
        name: `taxi` for `pipelines.tasks.taxi.task`, or the dotted name of another package with a module `task`.

    Returns:
        The TASK of that module.

    Raises:
        TaskError: There is no such module, or it has no TASK.
    """
    module = importlib.import_module(task_module(name))
    task = getattr(module, "TASK", None)
    if not isinstance(task, Task):
        raise TaskError(f"{module.__name__} holds no TASK: expected a Task, received {type(task).__name__}")
    return task
