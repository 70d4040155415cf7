"""Find the model that the load test calls, and its rows."""

import dataclasses
from pathlib import Path

CONTRACT = Path("assets.extra", "schema.pbtxt")  # in every version that the pipeline pushes
_GATEWAYS = Path(__file__).resolve().parents[2] / "serving" / "gateway"


class NothingToTestError(Exception):
    """There is no pushed model, or no rows; the message says what to run."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Subject:
    """The tested model.

    Attributes:
        task: the model's name.
        version: folder of the version.
        run: folder of the run whose eval rows are sent.
        gateway: the gateway's settings.
    """

    task: str
    version: Path
    run: Path
    gateway: Path


def subject(task: str, var: Path) -> Subject:
    """Return the newest pushed version of a task.

    Args:
        task: its name.
        var: the folder that runs write to.

    Returns:
        The version, its run, and the gateway's settings.

    Raises:
        NothingToTestError: A version, a run or the gateway's settings are missing.
    """
    base, run = var / "serving" / task, var / "runs" / "latest"
    versions = [path for path in base.glob("*") if path.name.isdecimal() and (path / CONTRACT).is_file()]
    if not versions or not (run / "summary.json").is_file():
        raise NothingToTestError(
            f"expected a pushed version in {base} and the record of its run in {run}, found "
            f"{len(versions)} versions; run `make run-local TASK={task} VAR={var}` first."
        )
    gateway = _GATEWAYS / f"{task}.toml"
    if not gateway.is_file():
        raise NothingToTestError(
            f"expected the gateway's settings in {gateway}, found none; write them like taxi.toml."
        )
    return Subject(task=task, version=max(versions, key=lambda path: int(path.name)), run=run, gateway=gateway)
