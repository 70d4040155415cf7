"""Find the artifacts that others were made of, and those that the next runs may be compared with."""

from collections import defaultdict
from collections.abc import Iterable

from components.artifacts import INFRA_BLESSING_MODEL_URI, DataBlessing
from pipelines.runs.metadata import Artifact, Metadata, Step

_EXAMPLES, _STATISTICS, _MODEL = "Examples", "ExampleStatistics", "Model"  # artifact types
_BLESSED_MODEL = "current_model"  # TFX's custom property of a ModelBlessing: the URI of the Model
# A run is compared with the newest baseline that is not its own: the second newest if its own comes from the cache.
_BASELINES = 2
# Inputs that a step only compares with. Following them would keep every earlier model.
_COMPARED_WITH = frozenset({"baseline_model", "baseline", "earlier", "comparisons"})


def close_over_lineage(metadata: Metadata, seeds: Iterable[int]) -> frozenset[int]:
    """Return the artifacts, all that they were made of, and the other outputs of the steps that made these.

    Statistics are kept with their Examples, because reports show them and traffic is compared with them.
    """
    statistics = _statistics_of_rows(metadata)
    kept: set[int] = set()
    waiting = list(seeds)
    while waiting:
        artifact = waiting.pop()
        if artifact in kept:
            continue
        kept.add(artifact)
        waiting.extend(statistics.get(artifact, ()))
        maker = metadata.find_producer(artifact)
        if maker is not None:
            waiting.extend(step_artifacts(maker))
    return frozenset(kept)


def _statistics_of_rows(metadata: Metadata) -> dict[int, list[int]]:
    """Return for each Examples artifact the statistics that were made of it."""
    found: dict[int, list[int]] = defaultdict(list)
    for step in metadata.steps.values():
        made = [id for id in step.output_ids if metadata.artifacts[id].type == _STATISTICS]
        for read in step.input_ids if made else ():
            if metadata.artifacts[read].type == _EXAMPLES:
                found[read].extend(made)
    return found


def step_artifacts(step: Step) -> list[int]:
    """Return the artifacts that a step wrote, and those that it was made of."""
    read = [id for name, ids in step.inputs.items() if name not in _COMPARED_WITH for id in ids]
    return [*read, *step.output_ids]


def find_baselines(metadata: Metadata, live: Iterable[int]) -> frozenset[int]:
    """Return the baselines of the next runs: blessed models, accepted statistics, and their blessings.

    Args:
        metadata: of all tasks.
        live: ids of the artifacts that exist.
    """
    artifacts = [metadata.artifacts[id] for id in sorted(live, reverse=True)]  # the newest first
    by_uri = {one.uri: one for one in metadata.artifacts.values() if one.type in (_MODEL, _STATISTICS)}
    infra = {
        one.properties.get(INFRA_BLESSING_MODEL_URI): one.id for one in reversed(artifacts) if _blesses(one, "Infra")
    }
    found: dict[tuple[str, str], list[tuple[int, ...]]] = defaultdict(list)
    for one in artifacts:
        maker = metadata.find_producer(one.id)
        task = maker.task if maker else ""
        if _blesses(one, "Model"):
            uri = one.properties.get(_BLESSED_MODEL)
            if uri in infra and uri in by_uri:
                found[task, "model"].append((by_uri[uri].id, one.id, infra[uri]))
        elif one.type == DataBlessing.TYPE_NAME:
            statistics = by_uri.get(str(one.properties.get(DataBlessing.STATISTICS_URI)))
            # A run over files is compared only with files, however many runs over spans came later.
            of_spans = statistics is not None and statistics.properties.get("span")
            judged = one.id if statistics is None else statistics.id
            found[task, "data of spans" if of_spans else "data"].append((judged, one.id))
    baselines: set[int] = set()
    for candidates in found.values():
        distinct = list({candidate[0]: candidate for candidate in candidates}.values())[:_BASELINES]
        baselines.update(id for candidate in distinct for id in candidate)
    return frozenset(baselines)


def _blesses(artifact: Artifact, what: str) -> bool:
    return artifact.type == f"{what}Blessing" and artifact.properties.get("blessed") == 1
