"""Wire the pipeline that ingests one span. It makes the same checks as the training pipeline, and trains nothing."""

import functools

from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration.pipeline import Pipeline
from tfx.types.channel import OutputChannel

from components.csv_example_gen.component import CheckedExampleGen
from components.csv_example_gen.whole_span import SPAN
from components.resolvers import PreviousSpanStatistics
from components.row_times.component import RowTimes
from pipelines import nodes
from pipelines.config import IngestionConfig, TimeColumn
from pipelines.data_checks import check_data, resolve_statistics
from pipelines.engines.local import LocalEngine
from pipelines.metadata_database import connect


def create_ingestion_pipeline(config: IngestionConfig) -> Pipeline:
    """Return the ingestion pipeline. Its last node is AnomalyGate: a span that it blesses is ingested."""
    example_gen = CheckedExampleGen(
        folder=config.source.folder, pattern=config.source.pattern, reader=config.source.reader
    ).with_id(nodes.EXAMPLE_GEN)
    examples = example_gen.outputs["examples"]
    checks = check_data(
        config.task,
        examples,
        str(config.contract),
        yardstick=functools.partial(resolve_statistics, PreviousSpanStatistics),
        gate_digest=config.judged_by,
        # The train and eval rows of one span differ by chance; a training run compares those of all its spans.
        only_split=SPAN,
    )
    row_times = _row_times(examples, config.time) if config.time else []
    for node in row_times:
        checks.anomaly_gate.add_upstream_node(node)
    return Pipeline(
        pipeline_name=config.pipeline,
        pipeline_root=str(config.artifacts),
        components=[
            example_gen,
            checks.import_schema_gen,
            *row_times,
            checks.statistics_gen,
            checks.example_validator,
            *checks.accepted_statistics,
            checks.anomaly_gate,
        ],
        enable_cache=True,
        metadata_connection_config=connect(config.metadata),
        beam_pipeline_args=list(LocalEngine().beam_args()),
    )


def _row_times(examples: OutputChannel, time: TimeColumn) -> list[BaseNode]:
    node = RowTimes(
        examples=examples,
        split=SPAN,
        column=time.name,
        written=time.written,
        begin=time.begin.isoformat(),
        end=time.end.isoformat(),
        code_digest=time.code_digest,
    )
    return [node.with_id(nodes.ROW_TIMES)]
