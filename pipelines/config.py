"""PipelineConfig: everything that create_pipeline wires, looked up beforehand; one frozen record.

This module imports neither TFX nor TensorFlow, so that the command line can use its records.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from pipelines.engines.dataflow import DataflowEngine
from pipelines.engines.flink import FlinkEngine
from pipelines.engines.local import LocalEngine

if TYPE_CHECKING:
    from tensorflow_model_analysis.proto import config_pb2
    from tfx.proto import example_gen_pb2

    from pipelines.task_definition.task import Task

Distribute = Literal["auto", "none", "mirrored"]


class ConfigError(ValueError):
    """A configuration value cannot be used."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainerOptions:
    """How the Trainer uses the machine. The text below a field is its help on the command line."""

    distribute: Distribute = "auto"
    """Train on several GPUs at once (MirroredStrategy): always, never, or when there are several."""
    mixed_precision: bool = False
    """Compute in float16 where there is a GPU. Weights, and the exported model, stay float32."""
    warm_start: bool = False
    """Start from the weights of the latest blessed model. A text whose id has changed starts from another text's."""

    def __post_init__(self) -> None:
        if self.distribute not in get_args(Distribute):
            raise ConfigError(
                f"distribute: expected one of {', '.join(get_args(Distribute))}, received {self.distribute!r}"
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainerConfig(TrainerOptions):
    """TrainerOptions, and how long to train. The model itself is the task's business."""

    train_steps: int | None = None  # batches at most; None: as many as the task's own budget takes, such as its epochs

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.train_steps is not None:
            require_at_least("train steps", self.train_steps, 1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TunerConfig:
    """The budget of a search for hyperparameters. What is tried is the task's business."""

    trials: int = 30
    """Sets of hyperparameters at most."""
    minutes: float = 10.0
    """Time at most; a trial that is under way then does not count."""

    def __post_init__(self) -> None:
        require_at_least("trials", self.trials, 1)
        if not 0 < self.minutes < float("inf"):
            raise ConfigError(f"minutes: expected more than 0, received {self.minutes}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CodeDigests:
    """The digest of the code behind a node, part of its cache key: TFX's own key holds names only."""

    anomaly_gate: str
    transform: str
    evaluator: str
    better_gate: str
    skew_gate: str
    pusher: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class CsvInput:
    """CSV files as ExampleGen takes them."""

    folder: str
    pattern: str  # of the files' names
    reader: example_gen_pb2.CustomConfig  # types by column, the split, and the digest of the code that reads


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpanInput:
    """Accepted spans that a run is trained on, in place of files."""

    pipeline: str  # that ingested them
    judged_by: str  # digest of the contract and the code that accepted them
    spans: tuple[str, ...]  # their names, in the order of time
    code_digest: str  # of SpanExamples
    min_eval_rows: int  # of the newest spans, to evaluate on; 0: of all spans


@dataclasses.dataclass(frozen=True, kw_only=True)
class PipelineConfig:
    """One run of the training pipeline. `pipelines.resolution.resolve` makes it."""

    task: Task
    var: Path  # everything the run writes lies below it
    data: Path | None  # a CSV file, or a folder of CSV files; None: spans, or files of another machine
    csv: CsvInput | None  # the files as ExampleGen takes them; None: spans
    contract: Path  # a copy of the task's contract, under a name that changes with its content
    digests: CodeDigests
    eval_config: config_pb2.EvalConfig  # with a threshold at least
    fairness: str | None  # JSON of a pipelines.fairness.agreed.Agreement; None where no gap between groups refuses
    trainer: TrainerConfig
    trainer_custom_config: Mapping[str, Any]  # see pipelines.modeling.trainer_entry
    spans: SpanInput | None = None  # what is read instead of files
    tuner_custom_config: Mapping[str, Any] | None = None  # see pipelines.search.tuner_entry; None: no search
    hyperparameters: Path | None = None  # a folder with the task's committed values; None: a search, or it has none
    warmup_batch_sizes: tuple[int, ...] = (1,)  # rows a batch that a deployed server computes
    serving_image_tag: str | None = None  # of tensorflow/serving, which InfraValidator starts; None: no InfraValidator
    time_limit: int = 600  # seconds that an exported model may take to load, or to answer 8,192 rows, to be pushed
    push_to: Path | None = None  # folder of each task's pushed versions; None: serving/ below `var`
    signing: Mapping[str, str] | None = None  # see components.pusher.executor.SIGNING; None: no signature
    push_refusal: str | None = (
        None  # why nothing may be pushed: a review is required, and none holds; see pipelines.review
    )
    push_ties: bool = False  # push what is not distinguishable from the model pushed before
    experiment: str | None = None  # its name: nothing is pushed; None: a run that may push
    cache: bool = True  # reuse what an earlier run of the same code on the same data wrote
    engine: LocalEngine | FlinkEngine | DataflowEngine = LocalEngine()  # where Beam runs

    def __post_init__(self) -> None:
        if self.time_limit < 1:
            raise ConfigError(f"time limit: expected 1 s or more, received {self.time_limit}")

    @property
    def artifacts(self) -> Path:
        """Where TFX keeps the artifacts of this pipeline."""
        return self.var / "artifacts" / self.task.name

    @property
    def metadata(self) -> Path:
        """The ML Metadata database."""
        return self.var / "metadata.sqlite"

    @property
    def serving(self) -> Path:
        """The folder of pushed versions."""
        return (self.push_to or self.var / "serving") / self.task.name


@dataclasses.dataclass(frozen=True, kw_only=True)
class TimeColumn:
    """The column that says which span a row belongs to, and the period of the span."""

    name: str
    written: str  # see serving.contract.dates
    begin: datetime.date  # first day
    end: datetime.date  # the day after the last
    code_digest: str  # of RowTimes


@dataclasses.dataclass(frozen=True, kw_only=True)
class IngestionConfig:
    """The ingestion of one span. `pipelines.ingestion.resolution` makes it."""

    task: Task
    var: Path  # everything the ingestion writes lies below it
    source: CsvInput  # the files of the span; the reader is labelled with span and version
    contract: Path  # a copy of the task's contract, under a name that changes with its content
    judged_by: str  # digest of the contract and of all code that decides whether a span is accepted
    time: TimeColumn | None = None  # None: the contract names no such column, or the span is a number

    @property
    def pipeline(self) -> str:
        """The name of the pipeline that ingests the task's spans, and of the folder of its artifacts."""
        return ingestion_pipeline(self.task.name)

    @property
    def artifacts(self) -> Path:
        """Where TFX keeps the artifacts of this pipeline."""
        return self.var / "artifacts" / self.pipeline

    @property
    def metadata(self) -> Path:
        """The ML Metadata database."""
        return self.var / "metadata.sqlite"


def ingestion_pipeline(task: str) -> str:
    """Names the pipeline that ingests a task's spans. Its own name keeps its artifacts apart from training's."""
    return f"{task}_spans"


def require_at_least(name: str, number: int, least: int) -> None:
    """Checks a whole number.

    Raises:
        ConfigError: It is smaller.
    """
    if number < least:
        raise ConfigError(f"{name}: expected {least} or more, received {number}")
