"""Send each run once to an MLflow tracking server."""

import dataclasses
import os
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from pipelines.overview.mlflow_records import KEY, MlflowRecord

# Settings of MLflow's client: send no telemetry, give up on an absent server within seconds instead of minutes, and
# print no address for each run.
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_AT_ONCE = {"metrics": 1000, "params": 100, "tags": 100}  # limits of MLflow's log_batch for one call
_RUNNING = "RUNNING"  # MLflow's status of a run whose export was interrupted

_Item = TypeVar("_Item")


class ExportError(RuntimeError):
    """The runs cannot be exported."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportResult:
    """Names of the runs that were sent, and of those that MLflow already had."""

    added: tuple[str, ...]
    known: tuple[str, ...]  # already in MLflow; their tags and notes have been updated


def export_records(uri: str, records: Sequence[MlflowRecord]) -> ExportResult:
    """Send the records. A record that MLflow has is not sent again, and an interrupted one is completed.

    Args:
        uri: of the tracking server, such as http://127.0.0.1:5000, or of another store that MLflow supports.
        records: to send.

    Returns:
        The names of the runs.

    Raises:
        ExportError: MLflow's client is not installed, or the server cannot be reached or refuses a request.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise ExportError(
            f"MLflow's client cannot be loaded: {error}; install the dependency group mlflow: `make setup`, or "
            "`pip install mlflow-skinny` into the product's environment"
        ) from error
    added: list[str] = []
    known: list[str] = []
    try:
        client = MlflowClient(tracking_uri=uri)
        for record in records:
            (added if _send(client, record) else known).append(record.name)
    except (MlflowException, OSError) as error:
        sent = f"; {len(added)} runs were sent before that, and will not be sent again" if added else ""
        reason = str(error).splitlines()[0]
        raise ExportError(
            f"MLflow at {uri}: {reason}; check that a tracking server runs at this address{sent}"
        ) from error
    return ExportResult(added=tuple(added), known=tuple(known))


def _send(client: Any, record: MlflowRecord) -> bool:
    """Send one record, and return whether MLflow did not have all of it before."""
    experiment = _find_experiment(client, record.experiment)
    found = client.search_runs([experiment], f"tags.`{KEY}` = '{record.key}'", max_results=1)
    if found and found[0].info.status != _RUNNING:
        _update_tags(client, found[0], record)
        return False
    if found:
        run_id = found[0].info.run_id
    else:
        created = client.create_run(experiment, record.start, {KEY: record.key}, record.name)
        run_id = created.info.run_id
    _log(client, run_id, record)
    for path in record.artifacts:
        client.log_artifact(run_id, str(path))
    client.set_terminated(run_id, record.status, record.end)  # last, because it marks the run as complete
    return True


def _find_experiment(client: Any, name: str) -> str:
    found = client.get_experiment_by_name(name)
    return found.experiment_id if found else client.create_experiment(name)


def _log(client: Any, run_id: str, record: MlflowRecord) -> None:
    from mlflow.entities import Metric, Param, RunTag

    metrics = [Metric(name, value, record.start, 0) for name, value in record.metrics.items()]
    for some in _share_out(metrics, _AT_ONCE["metrics"]):
        client.log_batch(run_id, metrics=some)
    for params in _share_out([Param(*pair) for pair in record.parameters.items()], _AT_ONCE["params"]):
        client.log_batch(run_id, params=params)
    for tags in _share_out([RunTag(*pair) for pair in record.tags.items()], _AT_ONCE["tags"]):
        client.log_batch(run_id, tags=tags)


def _update_tags(client: Any, run: Any, record: MlflowRecord) -> None:
    """Send notes and tags that have changed since the run was sent."""
    for name, value in record.tags.items():
        if run.data.tags.get(name) != value:
            client.set_tag(run.info.run_id, name, value)


def _share_out(items: Sequence[_Item], most: int) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), most):
        yield items[start : start + most]
