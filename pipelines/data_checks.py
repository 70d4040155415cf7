"""Wire the nodes that check rows against the contract; the training and the ingestion pipeline share them."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

# From their modules: tfx.components replaces a component that cannot be imported by None.
from tfx.components.example_validator.component import ExampleValidator
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.resolver import Resolver, ResolverStrategy
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import Channel
from tfx.types.channel import OutputChannel
from tfx.types.standard_artifacts import ExampleStatistics

from components.anomaly_gate.component import AnomalyGate
from components.artifacts import DataBlessing
from components.csv_example_gen.row_split import explain_difference
from components.statistics_gen.component import BatchedStatisticsGen
from pipelines import nodes
from pipelines.nodes import EVAL, TRAIN
from pipelines.task_definition.task import Task


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataChecks:
    """The nodes from ImportSchemaGen, which imports the contract, to AnomalyGate."""

    import_schema_gen: BaseNode
    statistics_gen: BaseNode
    example_validator: BaseNode
    accepted_statistics: list[BaseNode]  # empty if drift is not checked
    anomaly_gate: BaseNode

    @property
    def schema(self) -> OutputChannel:
        """The contract, as a Schema."""
        return self.import_schema_gen.outputs["schema"]

    @property
    def statistics(self) -> OutputChannel:
        """The statistics of every split that is checked."""
        return self.statistics_gen.outputs["statistics"]


def check_data(
    task: Task,
    examples: OutputChannel,
    contract: str | RuntimeParameter,
    *,
    yardstick: Callable[[OutputChannel], BaseNode] | None,
    gate_digest: str,
    only_split: str | None = None,
) -> DataChecks:
    """Wire the nodes that check rows.

    Args:
        task: the task whose rows they are.
        examples: the rows.
        contract: a copy of the task's contract.
        yardstick: takes this run's statistics, and makes the node that finds the accepted `statistics` from which the
            rows must not have drifted; None: drift is not checked.
        gate_digest: AnomalyGate's `code_digest`.
        only_split: the one split to check; None: train and eval, which must not differ from each other either.

    Returns:
        The nodes.
    """
    import_schema_gen = ImportSchemaGen(schema_file=contract).with_id(nodes.IMPORT_SCHEMA_GEN)
    schema = import_schema_gen.outputs["schema"]
    statistics_gen = BatchedStatisticsGen(
        examples=examples,
        schema=schema,  # names the integers that are categories: they are counted, not averaged
        exclude_splits=[TRAIN, EVAL] if only_split else None,
    ).with_id(nodes.STATISTICS_GEN)
    statistics = statistics_gen.outputs["statistics"]
    example_validator = ExampleValidator(statistics=statistics, schema=schema).with_id(nodes.EXAMPLE_VALIDATOR)
    accepted_statistics = [yardstick(statistics)] if yardstick else []
    anomaly_gate = AnomalyGate(
        statistics=statistics,
        schema=schema,
        examples=examples,  # a refusal names rows of them
        anomalies=example_validator.outputs["anomalies"],
        baseline=accepted_statistics[0].outputs["statistics"] if accepted_statistics else None,
        contract=_in_project(task.contract),
        tolerated=json.dumps({name: list(kinds) for name, kinds in sorted(task.tolerated_anomalies.items())}),
        train_split=only_split or TRAIN,
        eval_split="" if only_split else EVAL,
        why_splits_differ=explain_difference(task.split),
        code_digest=gate_digest,
    ).with_id(nodes.ANOMALY_GATE)
    return DataChecks(
        import_schema_gen=import_schema_gen,
        statistics_gen=statistics_gen,
        example_validator=example_validator,
        accepted_statistics=accepted_statistics,
        anomaly_gate=anomaly_gate,
    )


def resolve_statistics(strategy: type[ResolverStrategy], current: OutputChannel) -> BaseNode:
    """Return a Resolver of accepted statistics.

    Args:
        strategy: picks the statistics.
        current: this run's statistics, which are never picked.
    """
    resolver = Resolver(
        strategy_class=strategy,
        statistics=Channel(type=ExampleStatistics),
        blessing=Channel(type=DataBlessing),
        current=current,
    )
    return resolver.with_id(nodes.ACCEPTED_STATISTICS_RESOLVER)


def _in_project(path: Path) -> str:
    """Return a path relative to the repository if it is in it, for messages."""
    project = Path(__file__).resolve().parents[1]
    return str(path.relative_to(project)) if path.is_relative_to(project) else str(path)
