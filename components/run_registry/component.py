"""The nodes of a registry: two look up what earlier runs left, two record what this one leaves.

They do what the strategies in components.resolvers do with ML Metadata, by the same rules: never this run's own, only
what AnomalyGate accepted or Pusher pushed, nothing that is gone.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from components.artifacts import ModelComparison
from components.run_registry.pointers import describe, point
from components.run_registry.records import ACCEPTED, PUSHED, read_records, write_record

_STATISTICS, _SPAN = "statistics", "span"
_MODEL, _COMPARISON, _DESTINATION, _VERSION = "model", "comparison", "destination", "version"


@component
def AcceptedStatisticsLookup(
    current: InputArtifact[standard_artifacts.ExampleStatistics],
    statistics: OutputArtifact[standard_artifacts.ExampleStatistics],
    registry: Parameter[str],
) -> None:
    """Finds the statistics of the data that AnomalyGate accepted last; see LatestAcceptedStatistics.

    Args:
        current: this run's.
        statistics: a pointer to them; to nothing on the first run.
        registry: URI of its folder.
    """
    records = read_records(registry, ACCEPTED)
    point(statistics, find_accepted(records, current.uri, current.span))


@component
def PushedModelsLookup(
    current: InputArtifact[standard_artifacts.Model],
    model: OutputArtifact[standard_artifacts.Model],
    earlier: OutputArtifact[standard_artifacts.Model],
    comparisons: OutputArtifact[ModelComparison],
    registry: Parameter[str],
    push_destination: Parameter[str],
    versions: Parameter[int],
) -> None:
    """Finds the models that were pushed last; see PushedModels.

    Args:
        current: this run's.
        model: a pointer to the one pushed last; to nothing on the first run.
        earlier: a pointer to those before it, the newest first.
        comparisons: a pointer to what BetterGate wrote of them.
        registry: URI of its folder.
        push_destination: JSON of a PushDestination: only what was pushed there counts.
        versions: how many at most.
    """
    records = read_records(registry, PUSHED)
    found = find_pushed(records, current.uri, _base_directory(push_destination), versions)
    point(model, [record[_MODEL] for record in found[:1]])
    point(earlier, [record[_MODEL] for record in found[1:]])
    compared = [record[_COMPARISON] for record in found if record[_COMPARISON]]
    point(comparisons, [one for one in compared if fileio.exists(one["uri"])])


@component
def AcceptedStatisticsRecord(
    statistics: InputArtifact[standard_artifacts.ExampleStatistics],
    registry: Parameter[str],
) -> None:
    """Records that AnomalyGate, which runs before this node, accepted the data.

    Args:
        statistics: of the data.
        registry: URI of its folder.
    """
    newest = next(iter(read_records(registry, ACCEPTED)), None)
    record = {_STATISTICS: describe(statistics), _SPAN: statistics.span}
    if newest != record:  # The node before it came from the cache.
        write_record(registry, ACCEPTED, record)


@component
def PushRecord(
    pushed_model: InputArtifact[standard_artifacts.PushedModel],
    model: InputArtifact[standard_artifacts.Model],
    registry: Parameter[str],
    comparison: InputArtifact[ModelComparison] = None,
) -> None:
    """Records what Pusher pushed; nothing where it did not push.

    Args:
        pushed_model: what Pusher says.
        model: the model.
        registry: URI of its folder.
        comparison: what BetterGate wrote of it, where the task agreed on a comparison.
    """
    if pushed_model.get_int_custom_property("pushed") != 1:
        return
    place = pushed_model.get_string_custom_property("pushed_destination")
    record = {
        _MODEL: describe(model),
        _COMPARISON: describe(comparison) if comparison else None,
        _DESTINATION: os.path.dirname(place.rstrip("/")),
        _VERSION: pushed_model.get_string_custom_property("pushed_version"),
    }
    write_record(registry, PUSHED, record)


def find_accepted(records: Iterable[Mapping[str, Any]], current: str, span: int) -> list[Mapping[str, Any]]:
    """Returns the statistics that were accepted last, of the same span; none where there are none.

    Args:
        records: the newest first.
        current: URI of this run's own.
        span: of this run.
    """
    for record in records:
        found = record[_STATISTICS]
        if found["uri"] != current and record[_SPAN] == span and fileio.exists(found["uri"]):
            return [found]
    return []


def find_pushed(
    records: Iterable[Mapping[str, Any]], current: str, destination: str, versions: int
) -> list[Mapping[str, Any]]:
    """Returns the records of the models that were pushed last, each once, the newest first.

    Args:
        records: the newest first.
        current: URI of this run's model.
        destination: folder of versions.
        versions: how many at most.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for record in records:
        uri = record[_MODEL]["uri"]
        if uri != current and record[_DESTINATION] == destination and uri not in found and fileio.exists(uri):
            found[uri] = record
        if len(found) == versions:
            break
    return list(found.values())


def _base_directory(push_destination: str) -> str:
    destination = pusher_pb2.PushDestination()
    proto_utils.json_to_proto(push_destination, destination)
    return destination.filesystem.base_directory.rstrip("/")
