"""List the spans that are stored, and those that AnomalyGate accepted, from ML Metadata.

Lineage is enough: a DataBlessing names the Statistics, and their execution names the Examples. TFX is not imported,
unless an artifact is on a remote file system.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2

from components.span_names import (
    BLESSING_TYPE,
    EXAMPLES_TYPE,
    FINGERPRINT,
    JUDGED_BY,
    SPAN,
    SPAN_NAME,
    STATISTICS_TYPE,
    STATISTICS_URI,
    VERSION,
)

_PIPELINE = "pipeline"  # TFX's type of the context that holds everything that a pipeline made
_LIVE = metadata_store_pb2.Artifact.LIVE


@dataclasses.dataclass(frozen=True, kw_only=True)
class StoredSpan:
    """A version of a span that ExampleGen stored."""

    number: int
    version: int
    name: str
    fingerprint: str  # of the contents of its source files
    examples: metadata_store_pb2.Artifact


@dataclasses.dataclass(frozen=True, kw_only=True)
class AcceptedSpan(StoredSpan):
    """A version of a span that AnomalyGate accepted."""

    statistics: metadata_store_pb2.Artifact
    judged_by: str  # DataBlessing.JUDGED_BY
    blessing_id: int


def list_stored_spans(store: mlmd.MetadataStore, pipeline: str) -> list[StoredSpan]:
    """Return every stored version of every span whose files still exist, accepted or not."""
    return [_stored(examples) for examples in _artifacts(store, pipeline).get(EXAMPLES_TYPE, [])]


def list_accepted_spans(store: mlmd.MetadataStore, pipeline: str, judged_by: str) -> list[AcceptedSpan]:
    """Return the newest accepted version of each span, sorted by span number.

    A version may have been judged several times. The judgement by `judged_by` is chosen, or the last one if there is
    none. It need not be the last: when a change of the contract is reverted, the valid judgement is an old one, which
    comes from the cache.

    Args:
        store: ML Metadata.
        pipeline: the name of the pipeline that ingests.
        judged_by: DataBlessing.JUDGED_BY of the current code and contract.
    """

    def rank(span: AcceptedSpan) -> tuple[int, bool, int]:
        return span.version, span.judged_by == judged_by, span.blessing_id

    newest: dict[int, AcceptedSpan] = {}
    for span in list_acceptances(store, pipeline):
        other = newest.get(span.number)
        if other is None or rank(other) < rank(span):
            newest[span.number] = span
    return [newest[number] for number in sorted(newest)]


def list_acceptances(store: mlmd.MetadataStore, pipeline: str) -> Iterator[AcceptedSpan]:
    """Yield every judgement that accepted a version of a span, in no order; a version may have several."""
    artifacts = _artifacts(store, pipeline)
    examples = {artifact.id: artifact for artifact in artifacts.get(EXAMPLES_TYPE, [])}
    statistics = {artifact.uri: artifact for artifact in artifacts.get(STATISTICS_TYPE, [])}
    sources = _sources(store, [artifact.id for artifact in statistics.values()])
    for blessing in artifacts.get(BLESSING_TYPE, []):
        accepted = statistics.get(blessing.custom_properties[STATISTICS_URI].string_value)
        source = frozenset() if accepted is None else sources.get(accepted.id, frozenset()) & examples.keys()
        if accepted is not None and source:
            stored = _stored(examples[min(source)])
            yield AcceptedSpan(
                **vars(stored),
                statistics=accepted,
                judged_by=blessing.custom_properties[JUDGED_BY].string_value,
                blessing_id=blessing.id,
            )


def _artifacts(store: mlmd.MetadataStore, pipeline: str) -> dict[str, list[metadata_store_pb2.Artifact]]:
    """Return a pipeline's live artifacts whose files still exist, by type."""
    context = store.get_context_by_type_and_name(_PIPELINE, pipeline)
    found: dict[str, list[metadata_store_pb2.Artifact]] = {}
    for artifact in store.get_artifacts_by_context(context.id) if context is not None else ():
        if artifact.state == _LIVE and _exists(artifact.uri):
            found.setdefault(artifact.type, []).append(artifact)
    return found


def _exists(uri: str) -> bool:
    if "://" not in uri:
        return Path(uri).exists()
    from tfx.dsl.io import fileio  # imported here because it takes seconds, and local spans do not need it

    return bool(fileio.exists(uri))


def _sources(store: mlmd.MetadataStore, statistics: list[int]) -> dict[int, frozenset[int]]:
    """Map the id of each Statistics artifact to the input ids of the execution that made it."""
    made = {
        event.artifact_id: event.execution_id
        for event in (store.get_events_by_artifact_ids(statistics) if statistics else ())
        if event.type == metadata_store_pb2.Event.OUTPUT and event.artifact_id in statistics
    }
    inputs: dict[int, set[int]] = {}
    for event in store.get_events_by_execution_ids(sorted(set(made.values()))) if made else ():
        if event.type == metadata_store_pb2.Event.INPUT:
            inputs.setdefault(event.execution_id, set()).add(event.artifact_id)
    return {artifact: frozenset(inputs.get(execution, ())) for artifact, execution in made.items()}


def _stored(examples: metadata_store_pb2.Artifact) -> StoredSpan:
    own, custom = examples.properties, examples.custom_properties
    return StoredSpan(
        number=own[SPAN].int_value,
        version=own[VERSION].int_value,
        name=custom[SPAN_NAME].string_value,
        fingerprint=custom[FINGERPRINT].string_value,
        examples=examples,
    )
