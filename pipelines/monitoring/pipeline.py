"""Create the monitoring pipeline: the nodes and their inputs, in the order of the data."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from tfx.components.example_validator.component import ExampleValidator
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration.pipeline import Pipeline
from tfx.types import Channel
from tfx.types.standard_artifacts import Examples, ExampleStatistics, Model

from components.request_log_example_gen.component import RequestLogExampleGen
from components.request_log_example_gen.executor import BEFORE, WINDOW
from components.resolvers import ArtifactsByUri
from components.statistics_gen.component import BatchedStatisticsGen
from components.traffic_monitor.component import TrafficMonitor
from pipelines.engines.local import LocalEngine
from pipelines.metadata_database import connect
from pipelines.monitoring.served_versions import EXAMPLES, MODEL, STATISTICS
from pipelines.monitoring.time_window import TimeWindow
from pipelines.nodes import EXAMPLE_VALIDATOR, IMPORT_SCHEMA_GEN, STATISTICS_GEN

REQUEST_LOG_EXAMPLE_GEN = "RequestLogExampleGen"
SERVED_VERSIONS_RESOLVER = "ServedVersionsResolver"  # finds artifacts of the training pipeline
TRAFFIC_MONITOR = "TrafficMonitor"


@dataclasses.dataclass(frozen=True, kw_only=True)
class MonitoringConfig:
    """The settings of one run of the monitoring pipeline."""

    task: str
    var: Path
    log: Path
    window: TimeWindow
    contract: Path  # of the columns that requests and the log hold
    versions: Mapping[str, Mapping[str, Sequence[str]]]  # see served_versions.find_artifacts
    hashed: Sequence[str]  # columns
    dropped: Sequence[str]  # columns
    has_key: bool  # whether the environment holds the key of the hashes
    fingerprint: str  # of the log's files
    digests: Mapping[str, str]  # node -> digest of its code
    cache: bool = True

    @property
    def name(self) -> str:
        """The pipeline's name in ML Metadata; Resolvers of the training pipeline do not find its artifacts."""
        return f"{self.task}_monitoring"

    @property
    def metadata(self) -> Path:
        """The ML Metadata database, shared with the training pipeline."""
        return self.var / "metadata.sqlite"

    @property
    def artifacts(self) -> Path:
        """The folder of its artifacts."""
        return self.var / "artifacts" / self.name


def create_monitoring_pipeline(config: MonitoringConfig) -> Pipeline:
    """Create the nodes and connect them."""
    example_gen = RequestLogExampleGen(
        folder=str(config.log),
        windows={
            WINDOW: (config.window.start.isoformat(), config.window.end.isoformat()),
            BEFORE: (config.window.before[0].isoformat(), config.window.before[1].isoformat()),
        },
        fingerprint=config.fingerprint,
        code_digest=config.digests[REQUEST_LOG_EXAMPLE_GEN],
    ).with_id(REQUEST_LOG_EXAMPLE_GEN)
    import_schema_gen = ImportSchemaGen(schema_file=str(config.contract)).with_id(IMPORT_SCHEMA_GEN)
    examples, schema = example_gen.outputs["examples"], import_schema_gen.outputs["schema"]
    statistics_gen = BatchedStatisticsGen(examples=examples, schema=schema).with_id(STATISTICS_GEN)
    statistics = statistics_gen.outputs["statistics"]
    example_validator = ExampleValidator(statistics=statistics, schema=schema).with_id(EXAMPLE_VALIDATOR)
    served_versions = _served_versions(config)
    found = served_versions[0].outputs if served_versions else {}
    monitor = TrafficMonitor(
        examples=examples,
        answers=example_gen.outputs["answers"],
        statistics=statistics,
        anomalies=example_validator.outputs["anomalies"],
        schema=schema,
        model=found.get(MODEL),
        training_examples=found.get(EXAMPLES),
        training_statistics=found.get(STATISTICS),
        versions=config.versions,
        hashed=config.hashed,
        dropped=config.dropped,
        fair=config.window.fair,
        has_key=config.has_key,
        code_digest=config.digests[TRAFFIC_MONITOR],
    ).with_id(TRAFFIC_MONITOR)
    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=str(config.artifacts),
        components=[example_gen, import_schema_gen, statistics_gen, example_validator, *served_versions, monitor],
        enable_cache=config.cache,
        metadata_connection_config=connect(config.metadata),
        beam_pipeline_args=list(LocalEngine().beam_args()),
    )


def _served_versions(config: MonitoringConfig) -> list[Resolver]:
    """Return the node that finds what the versions which answered were trained on; none if none was pushed here."""
    uris = {
        key: sorted({uri for artifacts in config.versions.values() for uri in artifacts.get(key, ())})
        for key in (MODEL, EXAMPLES, STATISTICS)
    }
    if not uris[MODEL]:
        return []
    resolver = Resolver(
        strategy_class=ArtifactsByUri,
        config={"uris": uris},
        **{
            MODEL: Channel(type=Model),
            EXAMPLES: Channel(type=Examples),
            STATISTICS: Channel(type=ExampleStatistics),
        },
    )
    return [resolver.with_id(SERVED_VERSIONS_RESOLVER)]
