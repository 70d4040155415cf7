"""The options of `submit vertex`. The text below a field is its help. Loads without TFX."""

import dataclasses
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from pipelines.cloud_settings import DEFAULT_FILE
from pipelines.config import ConfigError, TrainerOptions, TunerConfig
from pipelines.options import RunOptions

NO_WARM_START = (
    "--warm-start: expected a local run, received a job on Vertex AI, whose Trainer cannot start from an earlier "
    "model; leave it out"
)
_FLAT = Parameter(name="*")
_REMOTE = "gs://"


@dataclasses.dataclass(frozen=True, kw_only=True)
class VertexOptions:
    """The options of a run that apply on Vertex AI, and the options of the job."""

    task: str = "taxi"
    """A folder below pipelines/tasks/, or a dotted package."""
    data: str | None = None
    """A file or folder in the bucket; without it, gs://<bucket>/data/<task>."""
    cloud: Path = Path(DEFAULT_FILE)
    """The file with project, region, bucket, image and machines."""
    var: Path = Path("var")
    """Folder to write the compiled job to, as vertex/<task>.json."""
    train_steps: int | None = None
    """Train on at most this many batches, even if the task's hyperparameters allow more epochs."""
    tune: bool = False
    """Search for hyperparameters, within --trials and --minutes, instead of taking the committed ones."""
    budget: Annotated[TunerConfig | None, _FLAT] = None
    trainer: Annotated[TrainerOptions, _FLAT] = TrainerOptions()
    push_to: str | None = None
    """Push to <push-to>/<task>/; without it, gs://<bucket>/serving/<task>/."""
    require_review: bool = False
    """Push only if a person has reviewed the task's code (docs/how-to/review.md)."""
    push_ties: bool = False
    """Also push a model that is not distinguishable from the one pushed before (docs/how-to/scoping.md)."""
    experiment: str | None = None
    """Name an experiment: all nodes up to the gates run, nothing is pushed, and no later run is compared with it."""
    force: bool = False
    """Ignore Vertex AI's cache: run every node."""
    compile_only: bool = False
    """Write the job and send nothing. Needs no credentials."""
    wait: bool = False
    """Wait until the job has ended; the exit status is 1 if it failed."""
    schedule: str | None = None
    """Submit the job at the times of this cron expression, such as "0 6 * * 1", one job at a time."""

    def __post_init__(self) -> None:
        for option, uri in (("--data", self.data), ("--push-to", self.push_to)):
            if uri is not None and not uri.startswith(_REMOTE):
                raise ConfigError(
                    f"{option}: expected a place that Vertex AI can reach, such as gs://my-bucket/folder, received "
                    f"{uri!r}"
                )
        if self.trainer.warm_start:
            raise ConfigError(NO_WARM_START)
        if self.schedule is not None and len(self.schedule.split()) not in (5, 6):
            raise ConfigError(
                "--schedule: expected a cron expression of five fields, such as '0 6 * * 1', received "
                f"{self.schedule!r}"
            )
        if self.schedule is not None and self.wait:
            raise ConfigError("expected --wait or --schedule, received both: a schedule never ends; leave out one")
        if self.experiment is not None and self.push_to is not None:  # as_run does not pass push_to on: it is a URI
            raise ConfigError(
                "--push-to: expected a run that may push, received an experiment, which pushes nothing; leave out one"
            )
        run = self.as_run()  # raises an error for options that contradict each other
        object.__setattr__(self, "var", run.var)  # absolute

    def as_run(self) -> RunOptions:
        """Return the options of the run that the job is compiled from."""
        return RunOptions(
            task=self.task,
            var=self.var,
            train_steps=self.train_steps,
            tune=self.tune,
            budget=self.budget,
            trainer=self.trainer,
            require_review=self.require_review,
            push_ties=self.push_ties,
            experiment=self.experiment,
            force=self.force,
        )

    @property
    def name(self) -> str:
        """The task's name."""
        return self.task.rpartition(".")[2]
