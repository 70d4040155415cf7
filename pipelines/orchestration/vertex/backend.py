"""Vertex AI as a Backend: places are parameters of the job, and earlier runs are looked up in a registry.

The service keeps the metadata of jobs. It resolves no strategy of ours, and open-source Kubeflow none at all.
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
# What they find or leave is not among their inputs: the cache must not answer for them.
NEVER_CACHED = (
    nodes.ACCEPTED_STATISTICS_RESOLVER,
    ACCEPTED_STATISTICS_RECORD,
    nodes.BLESSED_MODEL_RESOLVER,
    PUSH_RECORD,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Places:
    """Where a job reads and writes: URIs."""

    pipeline_root: str
    data: str  # the folder of the rows
    contract: str
    hyperparameters: str | None  # a folder; None: the task has none, or the job searches
    serving: str  # the folder of versions
    registry: str  # what earlier jobs left for later ones

    def parameter_values(self) -> dict[str, Any]:
        """Returns the parameters of a job."""
        values = {
            DATA.name: self.data,
            CONTRACT.name: self.contract,
            PUSH_DESTINATION.name: json.dumps({"filesystem": {"baseDirectory": self.serving}}),
            REGISTRY.name: self.registry,
        }
        return values if self.hyperparameters is None else values | {HYPERPARAMETERS.name: self.hyperparameters}


class RegistryRuns:
    """Earlier runs as a registry knows them."""

    def __init__(self, config: PipelineConfig) -> None:
        self._comparison = config.task.comparison

    def accepted_statistics(self, current: OutputChannel) -> BaseNode:
        """Returns a lookup, by the name that the Resolver has elsewhere."""
        lookup = AcceptedStatisticsLookup(current=current, registry=REGISTRY)
        return lookup.with_id(nodes.ACCEPTED_STATISTICS_RESOLVER)

    def pushed_models(self, current: OutputChannel) -> BaseNode:
        """Returns a lookup, likewise."""
        lookup = PushedModelsLookup(
            current=current,
            registry=REGISTRY,
            push_destination=PUSH_DESTINATION,
            versions=self._comparison.versions if self._comparison else 1,
        )
        return lookup.with_id(nodes.BLESSED_MODEL_RESOLVER)

    def any_pushed_model(self) -> BaseNode:
        """Finds none.

        Raises:
            ConfigError: A warm start was asked for.
        """
        raise ConfigError(NO_WARM_START)

    def record_accepted(self, statistics: OutputChannel, anomaly_gate: BaseNode) -> list[BaseNode]:
        """Returns the node that records."""
        record = AcceptedStatisticsRecord(statistics=statistics, registry=REGISTRY)
        record.add_upstream_node(anomaly_gate)
        return [record.with_id(ACCEPTED_STATISTICS_RECORD)]

    def record_push(self, pusher: BaseNode, model: OutputChannel, comparison: OutputChannel | None) -> list[BaseNode]:
        """Returns the node that records."""
        optional = {} if comparison is None else {"comparison": comparison}
        record = PushRecord(pushed_model=pusher.outputs["pushed_model"], model=model, registry=REGISTRY, **optional)
        return [record.with_id(PUSH_RECORD)]


def vertex_backend(config: PipelineConfig, pipeline_root: str) -> Backend:
    """Returns the backend.

    Args:
        config: what is to run.
        pipeline_root: URI below which jobs leave their artifacts.
    """
    return Backend(
        pipeline_name=config.task.name.lower().replace("_", "-"),  # the service's own rule
        pipeline_root=pipeline_root,
        data=DATA,
        contract=CONTRACT,
        hyperparameters=None if config.hyperparameters is None else HYPERPARAMETERS,
        push_destination=PUSH_DESTINATION,
        earlier_runs=RegistryRuns(config),
        metadata=None,
    )
