"""The Backend of Vertex AI: paths are parameters of the job, and a registry in the bucket replaces Resolvers.

The service keeps the metadata of jobs itself. It does not run this project's resolver strategies.
"""

import dataclasses
import json
from typing import Any

from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types.channel import OutputChannel

from components.run_registry.component import (
    AcceptedStatisticsLookup,
    AcceptedStatisticsRecord,
    PushedModelsLookup,
    PushRecord,
)
from pipelines import nodes
from pipelines.backend import Backend
from pipelines.config import ConfigError, PipelineConfig
from pipelines.orchestration.vertex.options import NO_WARM_START

DATA, CONTRACT, HYPERPARAMETERS, PUSH_DESTINATION, REGISTRY = (
    RuntimeParameter(name=name, ptype=str)
    for name in ("data", "contract", "hyperparameters", "push_destination", "registry")
)
ACCEPTED_STATISTICS_RECORD, PUSH_RECORD = "AcceptedStatisticsRecord", "PushRecord"
# Their results depend on the registry, which is no input that the cache compares.
NEVER_CACHED = (
    nodes.ACCEPTED_STATISTICS_RESOLVER,
    ACCEPTED_STATISTICS_RECORD,
    nodes.BLESSED_MODEL_RESOLVER,
    PUSH_RECORD,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Places:
    """The URIs that a job reads and writes."""

    pipeline_root: str
    data: str  # folder of the rows
    contract: str
    hyperparameters: str | None  # folder; None: the task has none, or the job searches for them
    serving: str  # folder of the pushed versions
    registry: str  # folder of the records that later jobs read

    def parameter_values(self) -> dict[str, Any]:
        """Return the parameters of a job."""
        values = {
            DATA.name: self.data,
            CONTRACT.name: self.contract,
            PUSH_DESTINATION.name: json.dumps({"filesystem": {"baseDirectory": self.serving}}),
            REGISTRY.name: self.registry,
        }
        return values if self.hyperparameters is None else values | {HYPERPARAMETERS.name: self.hyperparameters}


class RegistryRuns:
    """The nodes that read earlier runs from the registry, and record this one in it."""

    def __init__(self, config: PipelineConfig) -> None:
        self._comparison = config.task.comparison

    def accepted_statistics(self, current: OutputChannel) -> BaseNode:
        """Return a node that finds the statistics of the data accepted before, named like the local Resolver."""
        lookup = AcceptedStatisticsLookup(current=current, registry=REGISTRY)
        return lookup.with_id(nodes.ACCEPTED_STATISTICS_RESOLVER)

    def pushed_models(self, current: OutputChannel) -> BaseNode:
        """Return a node that finds the models pushed last, named like the local Resolver."""
        lookup = PushedModelsLookup(
            current=current,
            registry=REGISTRY,
            push_destination=PUSH_DESTINATION,
            versions=self._comparison.versions if self._comparison else 1,
        )
        return lookup.with_id(nodes.BLESSED_MODEL_RESOLVER)

    def any_pushed_model(self) -> BaseNode:
        """Refuse a warm start, which is not supported on Vertex AI.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(NO_WARM_START)

    def record_accepted(self, statistics: OutputChannel, anomaly_gate: BaseNode) -> list[BaseNode]:
        """Return the node that records the accepted statistics in the registry."""
        record = AcceptedStatisticsRecord(statistics=statistics, registry=REGISTRY)
        record.add_upstream_node(anomaly_gate)
        return [record.with_id(ACCEPTED_STATISTICS_RECORD)]

    def record_push(self, pusher: BaseNode, model: OutputChannel, comparison: OutputChannel | None) -> list[BaseNode]:
        """Return the node that records the push in the registry."""
        optional = {} if comparison is None else {"comparison": comparison}
        record = PushRecord(pushed_model=pusher.outputs["pushed_model"], model=model, registry=REGISTRY, **optional)
        return [record.with_id(PUSH_RECORD)]


def vertex_backend(config: PipelineConfig, pipeline_root: str) -> Backend:
    """Return the backend of a pipeline on Vertex AI.

    Args:
        config: of the pipeline.
        pipeline_root: URI below which jobs write their artifacts.
    """
    return Backend(
        pipeline_name=config.task.name.lower().replace("_", "-"),  # the service allows a-z, digits and -
        pipeline_root=pipeline_root,
        data=DATA,
        contract=CONTRACT,
        hyperparameters=None if config.hyperparameters is None else HYPERPARAMETERS,
        push_destination=PUSH_DESTINATION,
        earlier_runs=RegistryRuns(config),
        metadata=None,
    )
