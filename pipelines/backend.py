"""Define Backend, the part of create_pipeline's configuration that depends on where the pipeline runs.

It has the locations of files: paths of this machine, or parameters that are known when a job is submitted. It also
defines how a run finds the results of earlier runs: with Resolvers, which query ML Metadata, or with its own nodes.
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
    """Nodes that find the results of earlier runs, and nodes that record this run's results for later runs."""

    def accepted_statistics(self, current: OutputChannel) -> BaseNode:
        """Return the node that finds the `statistics` accepted last, other than `current`, which are this run's."""

    def pushed_models(self, current: OutputChannel) -> BaseNode:
        """Return the node that finds the `model` pushed last; with a comparison, also `earlier` and `comparisons`."""

    def any_pushed_model(self) -> BaseNode:
        """Return the node that finds the `model` pushed last, to whichever folder."""

    def record_accepted(self, statistics: OutputChannel, anomaly_gate: BaseNode) -> list[BaseNode]:
        """Return the nodes that record that the gate accepted; none where ML Metadata records it."""

    def record_push(self, pusher: BaseNode, model: OutputChannel, comparison: OutputChannel | None) -> list[BaseNode]:
        """Return the nodes that record a push; none where ML Metadata records it."""


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
    """EarlierRuns that reads ML Metadata."""

    def __init__(self, config: PipelineConfig) -> None:
        self._config = config

    def accepted_statistics(self, current: OutputChannel) -> BaseNode:
        """Return a Resolver of the statistics that AnomalyGate accepted last."""
        return resolve_statistics(LatestAcceptedStatistics, current)

    def pushed_models(self, current: OutputChannel) -> BaseNode:
        """Return a Resolver of the models that were pushed to the folder that this run pushes to."""
        compared = {"earlier": Channel(type=Model), "comparisons": Channel(type=ModelComparison)}
        wanted = compared if self._config.task.comparison else {}
        resolver = self._pushed_models(str(self._config.serving), current=current, **wanted)
        return resolver.with_id(nodes.BLESSED_MODEL_RESOLVER)

    def any_pushed_model(self) -> BaseNode:
        """Return a Resolver of the model that was pushed last, to whichever folder."""
        return self._pushed_models("").with_id(nodes.WARM_START_RESOLVER)

    def record_accepted(self, statistics: OutputChannel, anomaly_gate: BaseNode) -> list[BaseNode]:
        """Return no node: the blessing is in ML Metadata."""
        return []

    def record_push(self, pusher: BaseNode, model: OutputChannel, comparison: OutputChannel | None) -> list[BaseNode]:
        """Return no node: the push is in ML Metadata."""
        return []

    def _pushed_models(self, destination: str, **others: BaseChannel) -> Resolver:
        """Return a Resolver of the models that were pushed last, except the `current` one if it is given."""
        task = self._config.task
        versions = task.comparison.versions if task.comparison else 1
        return Resolver(
            strategy_class=PushedModels,
            config={"pipeline": task.name, "versions": versions, "destination": destination},
            model=Channel(type=Model),
            **others,
        )


def local_backend(config: PipelineConfig) -> Backend:
    """Return the backend of this machine: its paths, and its ML Metadata."""
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
