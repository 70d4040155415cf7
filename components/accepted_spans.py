"""The spans that were accepted, as ML Metadata records them: of each the newest version that AnomalyGate let through.

Needs the lineage alone: the blessing names the Statistics, and these were made from the Examples. Loads no TFX.
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

_PIPELINE = "pipeline"  # what TFX calls the context of all that a pipeline made
_LIVE = metadata_store_pb2.Artifact.LIVE


@dataclasses.dataclass(frozen=True, kw_only=True)
class StoredSpan:
    """One version of a span as ExampleGen stored it."""

    number: int
    version: int
    name: str
    fingerprint: str  # of what its files held
    examples: metadata_store_pb2.Artifact


@dataclasses.dataclass(frozen=True, kw_only=True)
class AcceptedSpan(StoredSpan):
    """One version of a span that AnomalyGate let through."""

    statistics: metadata_store_pb2.Artifact
    judged_by: str  # DataBlessing.JUDGED_BY
    blessing_id: int


def list_stored_spans(store: mlmd.MetadataStore, pipeline: str) -> list[StoredSpan]:
    """Lists every version of every span that was ever stored and is still there, accepted or not, as it was stored."""
    return [_stored(examples) for examples in _artifacts(store, pipeline).get(EXAMPLES_TYPE, [])]


def list_accepted_spans(store: mlmd.MetadataStore, pipeline: str, judged_by: str) -> list[AcceptedSpan]:
    """Lists the newest accepted version of each span, in the order of the spans.

    Of a version that was judged several times, the judgement by `judged_by`, or else the last one. After a change of
    the contract that was taken back, the judgement that counts is an old one, which comes from the cache.

    Args:
        store: ML Metadata.
        pipeline: the name of the pipeline that ingests.
        judged_by: DataBlessing.JUDGED_BY of those that count today.
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
    """Yields every judgement that accepted a version of a span, in no order; a version may have been judged often."""
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
    """Returns what a pipeline made and is still there, by type."""
    context = store.get_context_by_type_and_name(_PIPELINE, pipeline)
    found: dict[str, list[metadata_store_pb2.Artifact]] = {}
    for artifact in store.get_artifacts_by_context(context.id) if context is not None else ():
        if artifact.state == _LIVE and _exists(artifact.uri):
            found.setdefault(artifact.type, []).append(artifact)
    return found


def _exists(uri: str) -> bool:
    if "://" not in uri:
        return Path(uri).exists()
    from tfx.dsl.io import fileio  # takes seconds, and spans on this machine are found without it

    return bool(fileio.exists(uri))


def _sources(store: mlmd.MetadataStore, statistics: list[int]) -> dict[int, frozenset[int]]:
    """Maps Statistics to the inputs of the execution that made them."""
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
