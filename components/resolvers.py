"""Choose the earlier artifacts that this run's data and model are compared with, by strategies for TFX's Resolver.

TFX's own strategies pick the newest artifact. On a second run that is this run's own: the data or model would be
compared with itself, and the nodes that compare would miss the cache and run again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.accepted_spans import list_accepted_spans
from components.artifacts import DataBlessing, ModelComparison
from components.experiments import is_made_by_experiments_alone
from components.pushed_models import list_pushed_models

Artifacts = dict[str, list[types.Artifact]]

EXAMPLES = "examples"
STATISTICS, DATA_BLESSING = "statistics", "blessing"
MODEL, EARLIER, COMPARISONS = "model", "earlier", "comparisons"
CURRENT = "current"  # the channel with this run's own artifact, which is never picked


class LatestAcceptedStatistics(ResolverStrategy):
    """Picks the statistics of the data that AnomalyGate accepted last; none on the first run.

    Data that the gate refused has no blessing, so later data is never compared with it. Only statistics of the same
    span number as this run's are picked, so that a run over spans is not compared with a run over files.
    """

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts:
        """Return one artifact for STATISTICS and one for DATA_BLESSING, or none; none for CURRENT.

        Args:
            store: ML Metadata, which records the blessings that only experiments made; these are left out.
            input_dict: all artifacts of STATISTICS and DATA_BLESSING, and this run's statistics as CURRENT.
        """
        others = {
            artifact.uri: artifact
            for artifact in _without_current(input_dict, STATISTICS)
            if all(artifact.span == current.span for current in input_dict[CURRENT])
        }
        for blessing in sorted(input_dict[DATA_BLESSING], key=lambda artifact: artifact.id, reverse=True):
            accepted = others.get(blessing.get_string_custom_property(DataBlessing.STATISTICS_URI))
            if accepted is not None and not is_made_by_experiments_alone(store, blessing.id):
                return {STATISTICS: [accepted], DATA_BLESSING: [blessing], CURRENT: []}
        return {STATISTICS: [], DATA_BLESSING: [], CURRENT: []}


class PreviousSpanStatistics(ResolverStrategy):
    """Picks the statistics of the last accepted span before this run's; none if this run's is the first.

    Spans are ordered by their numbers, not by when they were ingested. Of several versions of a span, the one that was
    accepted last is picked.
    """

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts:
        """Return one artifact for STATISTICS and one for DATA_BLESSING, or none; none for CURRENT.

        Args:
            store: not used; the channels hold all that is needed.
            input_dict: all artifacts of STATISTICS and DATA_BLESSING, and this run's statistics as CURRENT.
        """
        (current,) = input_dict[CURRENT]
        known = {artifact.uri: artifact for artifact in _without_current(input_dict, STATISTICS)}
        earlier = [
            (known[accepted].span, blessing.id, blessing)
            for blessing in input_dict[DATA_BLESSING]
            if (accepted := blessing.get_string_custom_property(DataBlessing.STATISTICS_URI)) in known
            and known[accepted].span < current.span
        ]
        if not earlier:
            return {STATISTICS: [], DATA_BLESSING: [], CURRENT: []}
        _, _, blessing = max(earlier, key=lambda found: found[:2])
        accepted = known[blessing.get_string_custom_property(DataBlessing.STATISTICS_URI)]
        return {STATISTICS: [accepted], DATA_BLESSING: [blessing], CURRENT: []}


class AcceptedSpans(ResolverStrategy):
    """Picks the Examples of given spans: of each the newest accepted version."""

    def __init__(self, pipeline: str, judged_by: str, spans: list[str]):
        """Store the choice of spans.

        Args:
            pipeline: the name of the pipeline that ingests.
            judged_by: DataBlessing.JUDGED_BY of the current code and contract.
            spans: names of the spans.
        """
        self._pipeline, self._judged_by, self._spans = pipeline, judged_by, spans

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts:
        """Return the Examples of each span as EXAMPLES, in the order of the spans.

        Args:
            store: ML Metadata. The spans are found in it, since channels cannot hold another pipeline's artifacts.
            input_dict: not used.

        Raises:
            LookupError: A span has no accepted version, or the newest one was not judged by `judged_by`.
        """
        accepted = {
            span.name: span
            for span in list_accepted_spans(store, self._pipeline, self._judged_by)
            if span.judged_by == self._judged_by
        }
        if lost := [name for name in self._spans if name not in accepted]:
            raise LookupError(f"expected accepted spans, received {', '.join(lost)}, not accepted; ingest them again")
        types_of = {kind.id: kind for kind in store.get_artifact_types()}
        return {
            EXAMPLES: [
                artifact_utils.deserialize_artifact(types_of[found.type_id], found)
                for found in (accepted[name].examples for name in self._spans)
            ]
        }


class PushedModels(ResolverStrategy):
    """Picks the models that were pushed last, except this run's own; none on the first run.

    Models that were blessed and not pushed are left out, for example a tie, or a model without a review.
    """

    def __init__(self, pipeline: str, versions: int = 1, destination: str = ""):
        """Store the choice of pushes.

        Args:
            pipeline: the name of the pipeline that pushes.
            versions: how many models to pick.
            destination: the folder of versions that they were pushed to; empty: any.
        """
        self._pipeline, self._versions = pipeline, versions
        self._destination = Path(destination) if destination else None

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts:
        """Return the last model as MODEL, those before it as EARLIER, and the comparisons of all as COMPARISONS.

        Args:
            store: ML Metadata, which records the pushes.
            input_dict: all models as MODEL; optionally EARLIER, to get earlier models; all comparisons as COMPARISONS,
                to get theirs; this run's model as CURRENT, if there is one.

        Returns:
            For each key of `input_dict` its artifacts, the newest first. A model without a comparison has none.
        """
        models = {artifact.uri: artifact for artifact in _without_current(input_dict, MODEL)}
        pushed = dict.fromkeys(push.model for push in list_pushed_models(store, self._pipeline, self._destination))
        last = [models[model] for model in pushed if model in models][: self._versions]
        compared = {
            artifact.get_string_custom_property(ModelComparison.MODEL_URI): artifact
            for artifact in sorted(input_dict.get(COMPARISONS, ()), key=lambda artifact: artifact.id)
            if fileio.exists(artifact.uri)
        }
        wanted = {
            MODEL: last[:1],
            EARLIER: last[1:],  # without MODEL's: ML Metadata stores an artifact only once per resolver's output
            COMPARISONS: [compared[model.uri] for model in last if model.uri in compared],
        }
        return {key: wanted.get(key, []) for key in input_dict}


class ArtifactsByUri(ResolverStrategy):
    """Picks artifacts of any pipeline by their URIs; channels cannot hold another pipeline's artifacts."""

    def __init__(self, uris: Mapping[str, Sequence[str]]):
        self._uris = uris

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts:
        """Return the artifacts of each key whose files still exist, in the order in which they were made.

        Args:
            store: ML Metadata.
            input_dict: only its keys are used.
        """
        return {key: _read_artifacts(store, self._uris.get(key, ())) for key in input_dict}


def _read_artifacts(store: mlmd.MetadataStore, uris: Sequence[str]) -> list[types.Artifact]:
    found = [artifact for uri in uris for artifact in store.get_artifacts_by_uri(uri)]
    kinds = store.get_artifact_types_by_id(sorted({one.type_id for one in found})) if found else []
    types_by_id = {kind.id: kind for kind in kinds}
    artifacts = [artifact_utils.deserialize_artifact(types_by_id[one.type_id], one) for one in found]
    return [artifact for artifact in sorted(artifacts, key=lambda one: one.id) if fileio.exists(artifact.uri)]


def _without_current(input_dict: Artifacts, key: str) -> list[types.Artifact]:
    """Return the artifacts of a channel whose files still exist, without this run's own."""
    current = {artifact.uri for artifact in input_dict.get(CURRENT, ())}
    return [artifact for artifact in input_dict[key] if artifact.uri not in current and fileio.exists(artifact.uri)]
