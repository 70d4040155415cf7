"""PipelineConfig: everything that one run can be told, in one frozen record."""

import dataclasses
import hashlib
from pathlib import Path

from pipelines.task_definition.task import Task

DISTRIBUTE = ("auto", "none", "mirrored")
EMBEDDED, DOCKER = "embedded", "docker"
INFRA = (EMBEDDED, DOCKER)


class ConfigError(ValueError):
    """A configuration value cannot be used."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainerConfig:
    """How the Trainer uses the machine. The model itself is the task's business."""

    train_steps: int  # batches at most
    distribute: str = "auto"  # MirroredStrategy: "mirrored" always, "none" never, "auto" when there are several GPUs
    mixed_precision: bool = False  # compute in float16 on GPU; weights, and the exported model, stay float32
    warm_start: bool = False  # start from the weights of the latest blessed model

    def __post_init__(self) -> None:
        if self.train_steps < 1:
            raise ConfigError(f"train steps: expected 1 or more, received {self.train_steps}")
        if self.distribute not in DISTRIBUTE:
            raise ConfigError(f"distribute: expected one of {', '.join(DISTRIBUTE)}, received {self.distribute!r}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TunerConfig:
    """How long hyperparameters are searched for. What is tried is the task's business."""

    trials: int = 30  # sets of hyperparameters at most
    minutes: float = 10.0  # at most; a trial that is under way then does not count

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise ConfigError(f"trials: expected 1 or more, received {self.trials}")
        if not self.minutes > 0:
            raise ConfigError(f"minutes: expected more than 0, received {self.minutes}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PipelineConfig:
    """One run of the training pipeline."""

    task: Task
    data: Path  # a CSV file, or a folder of CSV files
    contract: Path  # a copy of the task's contract, under a name that changes with its content: see contract_copy
    var: Path  # everything the run writes lies below it
    trainer: TrainerConfig
    hyperparameters: Path | None = (
        None  # what the task's file holds: see hyperparameters_copy; None: it has no such file
    )
    tuner: TunerConfig | None = None  # search for hyperparameters instead
    infra: str = EMBEDDED  # what serves a model before it is pushed; "docker": TensorFlow Serving itself, too
    time_limit: int = 600  # seconds that an exported model may take to load, or to answer 8,192 rows, to be pushed
    push_to: Path | None = None  # folder of each task's pushed versions; None: serving/ below `var`
    require_review: bool = False  # push only what a person has reviewed: see pipelines.review
    cache: bool = True  # reuse what an earlier run of the same code on the same data wrote
    # In one process: Beam's multi-process modes cost more than they save on one machine, and Beam from 2.68 on would
    # otherwise try a runner that it downloads. Without a container image TFX packs itself into a source distribution
    # for every Beam node, 2 s each, for workers that do not exist here.
    beam_args: tuple[str, ...] = (
        "--runner=DirectRunner",
        "--direct_running_mode=in_memory",
        "--direct_num_workers=1",
        "--sdk_container_image=none",
        # Batches of up to 8,192 rows. By default Beam sizes batches by the clock: slower, and the last bits of means
        # and variances would depend on how busy the machine was.
        "--tfxio_use_byte_size_batching",
    )

    def __post_init__(self) -> None:
        if self.tuner is not None and self.task.tuning is None:
            raise ConfigError(
                f"task {self.task.name} says nothing of what to search: expected Task(tuning=...), received none; "
                "see docs/tuning.md"
            )
        if self.tuner is not None and self.require_review:
            raise ConfigError(
                "a search with a review required: expected one or the other, received both; what a search finds nobody "
                "has reviewed: commit it to the task's hyperparameters, run, and review that run."
            )
        if self.infra not in INFRA:
            raise ConfigError(f"infra: expected one of {', '.join(INFRA)}, received {self.infra!r}")
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


def contract_copy(task: Task, var: Path) -> Path:
    """Copies the task's contract below `var`, under a name that changes with its content, and returns the copy.

    ImportSchemaGen's cache key holds the path of the file and not what it says; with this path an edit is noticed.
    """
    content = task.contract.read_bytes()
    copy = var / "contracts" / task.name / f"{hashlib.sha256(content).hexdigest()[:16]}.pbtxt"
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(content)
    return copy
