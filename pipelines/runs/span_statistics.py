"""Read the statistics of the spans that a run was trained on, which were computed when each was ingested."""

from pathlib import Path

from tensorflow_metadata.proto.v0 import statistics_pb2

from pipelines.nodes import SPANS_RESOLVER, STATISTICS_GEN
from pipelines.runs.errors import RunError
from pipelines.runs.metadata import Metadata
from pipelines.runs.statistics import read_statistics

_SPLIT = "span"  # all rows of a span: see components.csv_example_gen.whole_span
_NUMBER, _NAME, _VERSION = "span", "span_name", "version"  # properties of Examples


def read_span_statistics(metadata: Metadata, run_id: str) -> dict[str, statistics_pb2.DatasetFeatureStatisticsList]:
    """Read the statistics of a run's spans.

    Args:
        metadata: ML Metadata.
        run_id: the run's id.

    Returns:
        The statistics by name and version of the span, such as `2014Q1 v2`, in the order of time.

    Raises:
        RunError: The run was not trained on spans, or the statistics of one were removed.
    """
    steps = [step for step in metadata.list_steps(run_id) if step.node == SPANS_RESOLVER]
    if not steps:
        raise RunError(f"run {run_id} was trained on files: expected a run with --spans; open another run.")
    found = {}
    chosen = metadata.get_artifacts(steps[-1].resolved.get("examples", ()))
    # A corrected span is recorded after later ones, so the order of the records is not the order of time.
    for examples in sorted(chosen, key=lambda one: int(one.properties[_NUMBER])):
        name = f"{examples.properties[_NAME]} v{examples.properties[_VERSION]}"
        found[name] = read_statistics(_find_statistics(metadata, examples.id, name), _SPLIT)
    return found


def _find_statistics(metadata: Metadata, examples: int, name: str) -> Path:
    for step in reversed(metadata.list_consumers(examples)):
        for made in step.outputs.get("statistics", ()) if step.node == STATISTICS_GEN else ():
            return metadata.artifacts[made].path
    raise RunError(f"span {name}: ML Metadata has no statistics of it; ingest it again.")
