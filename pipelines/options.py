"""Define the options of a run on the command line. The text below a field is its help.

`pipelines.resolution.resolve` turns them into a PipelineConfig.
"""

import dataclasses
import re
from pathlib import Path
from typing import Annotated, Literal, get_args

from cyclopts import Parameter

from pipelines.config import ConfigError, TrainerOptions, TunerConfig, require_at_least
from pipelines.spans.selection import SpanSelection

Infra = Literal["embedded", "docker"]
EngineName = Literal["local", "flink", "dataflow"]
EvalSpans = Literal["chosen", "newest"]
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:")
_FLAT = Parameter(name="*")  # Each field of the record is an option: --trials, not --budget.trials.


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaskOptions:
    """Options of all commands that run nodes. Paths become absolute."""

    task: str = "taxi"
    """A folder below pipelines/tasks/, or a dotted package."""
    data: Path | None = None
    """A CSV file, or a folder of them; without it, the task's own data."""
    var: Path = Path("var")
    """Where everything is written."""
    train_steps: int | None = None
    """Train on at most this many batches, even if the task's hyperparameters allow more epochs."""

    def __post_init__(self) -> None:
        _require_local("var", self.var)
        _require_local("data", self.data)
        object.__setattr__(self, "var", self.var.absolute())
        object.__setattr__(self, "data", self.data and self.data.absolute())
        if self.train_steps is not None:
            require_at_least("train steps", self.train_steps, 1)

    @property
    def name(self) -> str:
        """The task's name, without the package; also the name of its folders and of its model."""
        return self.task.rpartition(".")[2]


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunOptions(TaskOptions):
    """The options of a run of the whole pipeline."""

    spans: str | None = None
    """Train on accepted spans instead (see ingest): all, last:4, or 2014Q1..2015Q4."""
    evaluate_on: EvalSpans = "chosen"
    """With --spans: evaluate on the eval rows of all chosen spans, or of the newest that have 1,000 together."""
    tune: bool = False
    """Search for hyperparameters, within --trials and --minutes, instead of taking the committed ones."""
    budget: Annotated[TunerConfig | None, _FLAT] = None
    trainer: Annotated[TrainerOptions, _FLAT] = TrainerOptions()
    infra: Infra = "embedded"
    """Test the model before the push on the embedded model server, or also on TensorFlow Serving in Docker."""
    engine: EngineName = "local"
    """Where Beam runs: here, or on the cluster that `make flink-up` starts. `submit vertex` runs it on Dataflow."""
    cloud: Path | None = None
    """Settings of Google Cloud, by default cloud.toml. `run` only checks them, and refuses --engine dataflow."""
    job_minutes: float = 60.0
    """Minutes at most for a Beam job on a cluster."""
    push_to: Path | None = None
    """Push to <push-to>/<task>/ instead of below --var."""
    sign: Path | None = None
    """Sign the version with this private key. With --sign-command, name its public key (docs/how-to/trust.md)."""
    sign_command: str | None = None
    """Sign with this command, which reads bytes and writes their Ed25519 signature. ML Metadata records the command."""
    require_review: bool = False
    """Push only if a person has reviewed the task's code (docs/how-to/review.md)."""
    force: bool = False
    """Ignore the cache: run every node."""
    verbose: bool = False
    """Show the log on the terminal, not in run.log."""
    at_once: int | None = None
    """Run at most this many nodes at once; without it, as many as cores and memory allow."""
    push_ties: bool = False
    """Also push a model that is not distinguishable from the one pushed before (docs/how-to/scoping.md)."""
    experiment: str | None = None
    """Name an experiment: all nodes up to the gates run, nothing is pushed, and no later run is compared with it."""
    note: str | None = None
    """What the experiment tries, for `runs list`."""
    tag: tuple[str, ...] = ()
    """A tag to find the experiment by; repeat it for several tags."""
    seeds: int | None = None
    """With --experiment: train again with this many seeds, each scored on training rows held out from it."""
    watch: bool = False
    """Run again whenever code, settings or data are saved, with TFX loaded, and show how the metrics changed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_local("push-to", self.push_to)
        object.__setattr__(self, "push_to", self.push_to and self.push_to.absolute())
        object.__setattr__(self, "sign", self.sign and self.sign.absolute())
        object.__setattr__(self, "cloud", self.cloud and self.cloud.absolute())
        if self.sign_command is not None and self.sign is None:
            raise ConfigError(
                "--sign-command: expected --sign with it, the public key of the command, received none; add --sign"
            )
        self._check_spans()
        self._check_experiment()
        if self.at_once is not None:
            require_at_least("at once", self.at_once, 1)
        if self.infra not in get_args(Infra):
            raise ConfigError(f"infra: expected one of {', '.join(get_args(Infra))}, received {self.infra!r}")
        if self.engine not in get_args(EngineName):
            raise ConfigError(f"engine: expected one of {', '.join(get_args(EngineName))}, received {self.engine!r}")
        if self.engine != "local" and self.at_once not in (None, 1):
            raise ConfigError(
                f"--at-once: expected 1 with --engine {self.engine}, whose connections do not work in a fork, received "
                f"{self.at_once}"
            )
        if self.cloud is not None and self.engine != "dataflow":
            raise ConfigError(
                f"--cloud: expected --engine dataflow with it, received --engine {self.engine}; leave --cloud out"
            )
        if not 0 < self.job_minutes < float("inf"):
            raise ConfigError(f"job minutes: expected more than 0, received {self.job_minutes}")
        if self.tune and self.require_review:
            raise ConfigError(
                "--require-review: expected the committed hyperparameters, received --tune, whose result no one has "
                "reviewed; commit the result, run, review that run, and run with --require-review"
            )
        if self.budget is not None and not self.tune:
            raise ConfigError(
                "--trials, --minutes: expected --tune with them, received none; give --tune, or leave them out"
            )

    def _check_experiment(self) -> None:
        if self.experiment is None:
            if self.note is not None or self.tag:
                raise ConfigError(
                    "--note, --tag: expected --experiment with them, received none; give it, or use `runs note` later"
                )
            if self.seeds is not None:
                raise ConfigError(
                    "--seeds: expected --experiment with it, received none; give it, or leave --seeds out"
                )
            return
        if self.seeds is not None:
            require_at_least("seeds", self.seeds, 2)
        if not self.experiment.strip():
            raise ConfigError("experiment: expected a name, received none")
        pushes = {"--push-ties": self.push_ties, "--push-to": self.push_to is not None, "--sign": self.sign is not None}
        for option, given in pushes.items():
            if given:
                raise ConfigError(
                    f"{option}: expected a run that may push, received an experiment, which pushes nothing; leave out "
                    "one of them"
                )
        if self.require_review:
            raise ConfigError(
                "--require-review: expected a run that may push, received an experiment, which pushes nothing; leave "
                "out one of them"
            )

    def _check_spans(self) -> None:
        if self.spans is not None:
            SpanSelection.parse(self.spans)  # Raises SpanError if the text is invalid.
        if self.evaluate_on not in get_args(EvalSpans):
            raise ConfigError(
                f"evaluate on: expected one of {', '.join(get_args(EvalSpans))}, received {self.evaluate_on!r}"
            )
        if self.evaluate_on != "chosen" and self.spans is None:
            raise ConfigError("--evaluate-on: expected --spans with it, received none; give --spans, or leave it out")
        if self.spans is not None and self.data is not None:
            raise ConfigError("--data, --spans: expected one of them, received both; leave out one")


def _require_local(option: str, path: Path | None) -> None:
    """Refuse a URI: as a path it would be a folder such as `gs:` below the working folder."""
    if path is not None and path.parts and _SCHEME.fullmatch(path.parts[0]):
        uri = path.as_posix().replace(":/", "://", 1)
        raise ConfigError(
            f"--{option}: expected a path of this machine, received {uri}; mount it, or name another path. The runner "
            "needs local files; only the components work with others (docs/decisions/0060-any-file-system.md)"
        )
