"""Task: what a prediction task has to provide, and nothing else."""

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
    """One prediction task. Functions are passed as functions; their dotted paths are derived."""

    name: str  # names the pipeline, its artifacts, and the served model
    problem: str  # one of pipelines.task_definition.problem.PROBLEMS
    label: str  # what preprocessing_fn calls it
    prepare_data: Callable[[Path], Path]  # writes raw CSV below the folder it is given, returns the folder to read
    contract: Path  # the curated schema, text format
    preprocessing_fn: Callable[..., object]  # the one definition of every feature, for Transform
    run_fn: Callable[..., None]  # trains and exports, for Trainer; ends with pipelines.modeling.export.export_model
    make_eval_config: Callable[[], config_pb2.EvalConfig]  # metrics, slices and the thresholds that bless
    train_steps: int | None = None  # batches at most, however many rows; None: as run_fn says, say by epochs
    split: Split = RowSplit()  # of the rows into train and eval; KeySplit or TimeSplit where rows are not independent
    classes: tuple[str, ...] = ()  # what the labels 0, 1, … are called, where they have names
    hyperparameters: Path | None = None  # TOML, see pipelines.modeling.hyperparameters; None: run_fn has its own
    tuning: Tuning | None = None  # how to search for better ones; needs `hyperparameters`
    scoping: Path | None = (
        None  # TOML, see pipelines.task_definition.scoping: what was agreed, the thresholds that bless among it
    )
    comparison: Comparison | None = None  # with models pushed before; None: whatever passes the gates is pushed
    min_slice_rows: int = 1  # of the eval split; metrics of smaller slices are noise, and are not reported
    model_card: Path | None = None  # Markdown: intended use, data, metrics, limits, ethics; a part of each run's report
    vocabularies: Mapping[str, str] = dataclasses.field(
        default_factory=dict
    )  # vocabulary, as preprocessing_fn names it -> raw column of strings; the record says what each leaves out
    feature_parts: Mapping[str, tuple[str, ...]] = dataclasses.field(
        default_factory=dict
    )  # transformed feature of several columns -> what each is called; without it a report knows the feature only
    feature_columns: Mapping[str, tuple[str, ...]] = dataclasses.field(
        default_factory=dict
    )  # transformed feature, or its part -> raw columns that it reads; messages about a column then name the feature
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
    """Find a task: `taxi` is `pipelines.tasks.taxi.task.TASK`; a dotted name is another package with a module `task`.

    Raises:
        TaskError: No such task, or its module holds no TASK.
    """
    module = importlib.import_module(task_module(name))
    task = getattr(module, "TASK", None)
    if not isinstance(task, Task):
        raise TaskError(f"{module.__name__} holds no TASK: expected a Task, received {type(task).__name__}")
    return task
