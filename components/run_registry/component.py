"""Define the nodes of a registry: two find artifacts of earlier runs, and two record those of this run.

They follow the rules of the strategies in components.resolvers: only artifacts that AnomalyGate accepted or Pusher
pushed, whose files still exist, and never this run's own.
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
    """Find the statistics of the data that AnomalyGate accepted last; see LatestAcceptedStatistics.

    Args:
        current: this run's statistics.
        statistics: the output, a pointer to the statistics found; it points to nothing on the first run.
        registry: URI of the registry's folder.
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
    """Find the models that were pushed last; see PushedModels.

    Args:
        current: this run's model.
        model: the output, a pointer to the model pushed last; it points to nothing on the first run.
        earlier: the output, a pointer to the models before it, the newest first.
        comparisons: the output, a pointer to BetterGate's comparisons of these models.
        registry: URI of the registry's folder.
        push_destination: JSON of a PushDestination; only models that were pushed there are found.
        versions: how many models to find at most.
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
    """Record that AnomalyGate, which runs before this node, accepted the data.

    Args:
        statistics: statistics of the data.
        registry: URI of the registry's folder.
    """
    newest = next(iter(read_records(registry, ACCEPTED)), None)
    record = {_STATISTICS: describe(statistics), _SPAN: statistics.span}
    if newest != record:  # equal if AnomalyGate's result came from the cache
        write_record(registry, ACCEPTED, record)


@component
def PushRecord(
    pushed_model: InputArtifact[standard_artifacts.PushedModel],
    model: InputArtifact[standard_artifacts.Model],
    registry: Parameter[str],
    comparison: InputArtifact[ModelComparison] = None,
) -> None:
    """Record the push, if Pusher pushed the model.

    Args:
        pushed_model: Pusher's output.
        model: the model.
        registry: URI of the registry's folder.
        comparison: BetterGate's comparison of the model, if the pipeline has a BetterGate.
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
    """Return a list of the statistics of a span that were accepted last; empty if there are none.

    Args:
        records: records of accepted data, the newest first.
        current: URI of this run's statistics, which are left out.
        span: span number of this run.
    """
    for record in records:
        found = record[_STATISTICS]
        if found["uri"] != current and record[_SPAN] == span and fileio.exists(found["uri"]):
            return [found]
    return []


def find_pushed(
    records: Iterable[Mapping[str, Any]], current: str, destination: str, versions: int
) -> list[Mapping[str, Any]]:
    """Return the records of the models that were pushed last, each once, the newest first.

    Args:
        records: records of pushes, the newest first.
        current: URI of this run's model, which is left out.
        destination: the folder of versions that they were pushed to.
        versions: how many records to return at most.
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
