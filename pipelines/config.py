"""Define PipelineConfig, the frozen record of all values that create_pipeline needs, and the records in it.

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
    """Options of how Trainer uses the machine. The text below a field is its help on the command line."""

    distribute: Distribute = "auto"
    """Train on several GPUs at once (MirroredStrategy): auto if there are several, none never, mirrored always."""
    mixed_precision: bool = False
    """Compute in float16 if there is a GPU. The weights and the exported model stay float32."""
    warm_start: bool = False
    """Start from the weights of the model pushed last. A text whose id has changed gets another text's weights."""

    def __post_init__(self) -> None:
        if self.distribute not in get_args(Distribute):
            raise ConfigError(
                f"distribute: expected one of {', '.join(get_args(Distribute))}, received {self.distribute!r}"
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainerConfig(TrainerOptions):
    """TrainerOptions, and how long to train. The task defines the model."""

    train_steps: int | None = None  # batches at most; None: the task's own limit, such as its number of epochs

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.train_steps is not None:
            require_at_least("train steps", self.train_steps, 1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TunerConfig:
    """The budget of a search for hyperparameters. The task defines what is tried."""

    trials: int = 30
    """Sets of hyperparameters at most."""
    minutes: float = 10.0
    """Minutes at most; a trial that is still running then does not count."""

    def __post_init__(self) -> None:
        require_at_least("trials", self.trials, 1)
        if not 0 < self.minutes < float("inf"):
            raise ConfigError(f"minutes: expected more than 0, received {self.minutes}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CodeDigests:
    """Digests of the code of nodes. Each is part of its node's cache key, since TFX's key holds only names."""

    anomaly_gate: str
    transform: str
    evaluator: str
    better_gate: str
    skew_gate: str
    pusher: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class CsvInput:
    """CSV files, as ExampleGen's parameters."""

    folder: str
    pattern: str  # of the files' names
    reader: example_gen_pb2.CustomConfig  # types by column, the split, and the digest of ExampleGen's code


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpanInput:
    """The accepted spans that a run is trained on instead of files."""

    pipeline: str  # that ingested them
    judged_by: str  # digest of the contract and the code that accepted them
    spans: tuple[str, ...]  # their names, in the order of time
    code_digest: str  # of SpanExamples
    min_eval_rows: int  # evaluate on the newest spans that have so many eval rows together; 0: on all spans


@dataclasses.dataclass(frozen=True, kw_only=True)
class PipelineConfig:
    """The configuration of one run of the training pipeline. `pipelines.resolution.resolve` makes it."""

    task: Task
    var: Path  # the folder that the run writes to
    data: Path | None  # a CSV file, or a folder of CSV files; None: spans, or files of another machine
    csv: CsvInput | None  # None: spans
    contract: Path  # a copy of the task's contract, under a name that changes with its content
    digests: CodeDigests
    eval_config: config_pb2.EvalConfig  # with at least one threshold
    fairness: str | None  # JSON of a pipelines.fairness.agreed.Agreement; None: no gap between groups blocks a push
    trainer: TrainerConfig
    trainer_custom_config: Mapping[str, Any]  # see pipelines.modeling.trainer_entry
    spans: SpanInput | None = None  # what is read instead of files
    tuner_custom_config: Mapping[str, Any] | None = None  # see pipelines.search.tuner_entry; None: no search
    hyperparameters: Path | None = None  # a folder with the task's committed values; None: a search, or no values
    warmup_batch_sizes: tuple[int, ...] = (1,)  # rows in a batch of a deployed server
    serving_image_tag: str | None = None  # of tensorflow/serving, which InfraValidator starts; None: no InfraValidator
    time_limit: int = 600  # seconds for an exported model to load, or to predict 8,192 rows, before SkewGate refuses it
    push_to: Path | None = None  # folder of each task's pushed versions; None: serving/ below `var`
    signing: Mapping[str, str] | None = None  # see components.pusher.executor.SIGNING; None: no signature
    # Why nothing may be pushed: a review is required, and there is no valid one; see pipelines.review. None: it may.
    push_refusal: str | None = None
    push_ties: bool = False  # push a model that is not distinguishable from the one pushed before
    experiment: str | None = None  # the name of an experiment, which pushes nothing; None: a run that may push
    cache: bool = True  # reuse what an earlier run of the same code on the same data wrote
    engine: LocalEngine | FlinkEngine | DataflowEngine = LocalEngine()  # where Beam runs

    def __post_init__(self) -> None:
        if self.time_limit < 1:
            raise ConfigError(f"time limit: expected 1 s or more, received {self.time_limit}")

    @property
    def artifacts(self) -> Path:
        """The folder of this pipeline's artifacts."""
        return self.var / "artifacts" / self.task.name

    @property
    def metadata(self) -> Path:
        """The ML Metadata database; see pipelines.metadata_database."""
        return self.var / "metadata.sqlite"

    @property
    def serving(self) -> Path:
        """The folder of the task's pushed versions."""
        return (self.push_to or self.var / "serving") / self.task.name


@dataclasses.dataclass(frozen=True, kw_only=True)
class TimeColumn:
    """The column of a row's time, and the period of the span that is ingested."""

    name: str
    written: str  # the format of its dates; see serving.contract.dates
    begin: datetime.date  # first day
    end: datetime.date  # the day after the last
    code_digest: str  # of RowTimes


@dataclasses.dataclass(frozen=True, kw_only=True)
class IngestionConfig:
    """The configuration of the ingestion of one span. `pipelines.ingestion.resolution` makes it."""

    task: Task
    var: Path  # the folder that the ingestion writes to
    source: CsvInput  # the files of the span; the reader is labelled with span and version
    contract: Path  # a copy of the task's contract, under a name that changes with its content
    judged_by: str  # digest of the contract and of all code that decides whether a span is accepted
    time: TimeColumn | None = None  # None: the contract names no such column, or the span is a number

    @property
    def pipeline(self) -> str:
        """The name of the pipeline that ingests the task's spans; also the name of the folder of its artifacts."""
        return ingestion_pipeline(self.task.name)

    @property
    def artifacts(self) -> Path:
        """The folder of this pipeline's artifacts."""
        return self.var / "artifacts" / self.pipeline

    @property
    def metadata(self) -> Path:
        """The ML Metadata database; see pipelines.metadata_database."""
        return self.var / "metadata.sqlite"


def ingestion_pipeline(task: str) -> str:
    """Return the name of the pipeline that ingests a task's spans; its artifacts are in a folder of that name.

    Example:
        >>> ingestion_pipeline("taxi")
        'taxi_spans'
    """
    return f"{task}_spans"


def require_at_least(name: str, number: int, least: int) -> None:
    """Check that a number is not smaller than `least`.

    Args:
        name: name of the setting, for the message.
        number: its value.
        least: the smallest value allowed.

    Raises:
        ConfigError: The number is smaller.

    Example:
        >>> require_at_least("trials", 0, 1)
        Traceback (most recent call last):
        pipelines.config.ConfigError: trials: expected 1 or more, received 0
    """
    if number < least:
        raise ConfigError(f"{name}: expected {least} or more, received {number}")
