"""Options of `predict`. The text below a field is its help."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal, get_args

from cyclopts import Parameter

from pipelines.config import ConfigError

# Predictions are written to a folder of this machine, which Dataflow's workers cannot reach.
EngineName = Literal["local", "flink"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class PredictionOptions:
    """Options of `predict`. Paths become absolute."""

    data: Path
    """A CSV or Parquet file, or a folder of them."""
    out: Path
    """A file that ends in .parquet or .csv; any other name is a folder of Parquet files."""
    task: str = "taxi"
    """A folder below pipelines/tasks/, or a dotted package."""
    var: Path = Path("var")
    """The folder that the runs wrote to."""
    version: int | None = None
    """The pushed version to predict with; without it, the newest."""
    keep: Annotated[tuple[str, ...] | None, Parameter(consume_multiple=False)] = None
    """A column of the files to copy unchanged to the output; repeat it for several columns."""
    engine: EngineName = "local"
    """Where Beam runs: here, or on the cluster that `make flink-up` starts below --var."""
    job_minutes: float = 60.0
    """Minutes at most for a Beam job on a cluster."""

    def __post_init__(self) -> None:
        for name in ("data", "out", "var"):
            object.__setattr__(self, name, getattr(self, name).absolute())
        if self.engine not in get_args(EngineName):
            raise ConfigError(f"engine: expected one of {', '.join(get_args(EngineName))}, received {self.engine!r}")
        if not 0 < self.job_minutes < float("inf"):
            raise ConfigError(f"job minutes: expected more than 0, received {self.job_minutes}")
