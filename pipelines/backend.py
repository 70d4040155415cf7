"""Backend: what create_pipeline asks of the place where a pipeline runs. The wiring is the same everywhere.

Where files lie: paths of this machine, or parameters of a job that are known when it is submitted. And how a run finds
what earlier ones left: by Resolvers, which ask ML Metadata, or by what a backend has instead.
"""

import dataclasses
from typing import Protocol, TypeAlias

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration.data_types import RuntimeParameter
from tfx.proto import pusher_pb2
from tfx.types import Channel
from tfx.types.channel import BaseChannel, OutputChannel
from tfx.types.standard_artifacts import Model

from components.artifacts import ModelComparison
from components.resolvers import LatestAcceptedStatistics, PushedModels
from pipelines import nodes
from pipelines.config import PipelineConfig
from pipelines.data_checks import resolve_statistics
from pipelines.metadata_database import connect

Location: TypeAlias = str | RuntimeParameter


class EarlierRuns(Protocol):
    """How a run finds what earlier runs left, and leaves the same for later ones."""

    def accepted_statistics(self, current: OutputChannel) -> BaseNode:
        """Returns the node that finds the `statistics` accepted last; `current` is this run's."""

    def pushed_models(self, current: OutputChannel) -> BaseNode:
        """Returns what finds the `model` pushed last, and `earlier` and `comparisons` where the task compares."""

    def any_pushed_model(self) -> BaseNode:
        """Returns the node that finds the `model` pushed last, wherever to."""

    def record_accepted(self, statistics: OutputChannel, anomaly_gate: BaseNode) -> list[BaseNode]:
        """Returns what records that the gate accepted; nothing where the metadata says so anyway."""

    def record_push(self, pusher: BaseNode, model: OutputChannel, comparison: OutputChannel | None) -> list[BaseNode]:
        """Returns what records a push; nothing where the metadata says so anyway."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Backend:
    """A place where a pipeline runs."""

    pipeline_name: str
    pipeline_root: str
    data: Location  # the folder of the rows; empty where a run takes spans
    contract: Location
    hyperparameters: Location | None  # a folder
    push_destination: pusher_pb2.PushDestination | RuntimeParameter
    earlier_runs: EarlierRuns
    metadata: metadata_store_pb2.ConnectionConfig | None  # None: the backend keeps its own


class MetadataRuns:
    """Earlier runs as ML Metadata knows them."""

    def __init__(self, config: PipelineConfig) -> None:
        self._config = config

    def accepted_statistics(self, current: OutputChannel) -> BaseNode:
        """Returns a Resolver."""
        return resolve_statistics(LatestAcceptedStatistics, current)

    def pushed_models(self, current: OutputChannel) -> BaseNode:
        """Returns a Resolver of the models that were pushed to where this run pushes."""
        compared = {"earlier": Channel(type=Model), "comparisons": Channel(type=ModelComparison)}
        wanted = compared if self._config.task.comparison else {}
        resolver = self._pushed_models(str(self._config.serving), current=current, **wanted)
        return resolver.with_id(nodes.BLESSED_MODEL_RESOLVER)

    def any_pushed_model(self) -> BaseNode:
        """Returns a Resolver."""
        return self._pushed_models("").with_id(nodes.WARM_START_RESOLVER)

    def record_accepted(self, statistics: OutputChannel, anomaly_gate: BaseNode) -> list[BaseNode]:
        """Returns nothing: the blessing is in the metadata."""
        return []

    def record_push(self, pusher: BaseNode, model: OutputChannel, comparison: OutputChannel | None) -> list[BaseNode]:
        """Returns nothing: the push is in the metadata."""
        return []

    def _pushed_models(self, destination: str, **others: BaseChannel) -> Resolver:
        """Find the models that were pushed last, other than the `current` one if there is one."""
        task = self._config.task
        versions = task.comparison.versions if task.comparison else 1
        return Resolver(
            strategy_class=PushedModels,
            config={"pipeline": task.name, "versions": versions, "destination": destination},
            model=Channel(type=Model),
            **others,
        )


def local_backend(config: PipelineConfig) -> Backend:
    """Returns this machine: its paths, and its ML Metadata."""
    return Backend(
        pipeline_name=config.task.name,
        pipeline_root=str(config.artifacts),
        data=config.csv.folder if config.csv else "",
        contract=str(config.contract),
        hyperparameters=str(config.hyperparameters) if config.hyperparameters else None,
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(config.serving))
        ),
        earlier_runs=MetadataRuns(config),
        metadata=connect(config.metadata),
    )
