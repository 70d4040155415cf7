"""Resolver strategies: choose what this run's data and model are compared with, never themselves.

TFX's own strategies pick the newest artifact, which on a second run is this run's own: the comparison would say
nothing, and everything that compares would run again for it.
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
CURRENT = "current"  # the channel with what this run compares


class LatestAcceptedStatistics(ResolverStrategy):
    """Picks the statistics of the data that AnomalyGate accepted last; none on the first run.

    Data that the gate refused has no blessing, so later data is never compared with it. A run over spans and one over
    files are no two arrivals of the same data: statistics of another span than this run's are left out.
    """

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts:
        """Picks one artifact for STATISTICS and one for DATA_BLESSING, or none; none for CURRENT.

        Args:
            store: ML Metadata: it knows which blessings only an experiment gave, which are left out.
            input_dict: every known artifact of the two channels, and this run's statistics as CURRENT.
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
    """Picks the statistics of the accepted span before this run's; none where it is the first.

    Before in time, whenever it was ingested. Of several versions the one that was accepted last.
    """

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts:
        """Picks one artifact for STATISTICS and one for DATA_BLESSING, or none; none for CURRENT.

        Args:
            store: not used; the channels hold all that is needed.
            input_dict: every known artifact of the two channels, and this run's statistics as CURRENT.
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
    """Picks the Examples of spans that were ingested and accepted: of each the newest accepted version."""

    def __init__(self, pipeline: str, judged_by: str, spans: list[str]):
        """Takes which spans.

        Args:
            pipeline: the name of the pipeline that ingests.
            judged_by: DataBlessing.JUDGED_BY of those that count.
            spans: their names.
        """
        self._pipeline, self._judged_by, self._spans = pipeline, judged_by, spans

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts:
        """Picks the Examples of each span, in the order of the spans.

        Args:
            store: ML Metadata: the spans are another pipeline's, which no channel of this one can name.
            input_dict: not used.

        Raises:
            LookupError: A span is not accepted any more.
        """
        accepted = {
            span.name: span
            for span in list_accepted_spans(store, self._pipeline, self._judged_by)
            if span.judged_by == self._judged_by
        }
        if lost := [name for name in self._spans if name not in accepted]:
            raise LookupError(f"expected accepted spans, received {', '.join(lost)}, which are none; ingest them again")
        types_of = {kind.id: kind for kind in store.get_artifact_types()}
        return {
            EXAMPLES: [
                artifact_utils.deserialize_artifact(types_of[found.type_id], found)
                for found in (accepted[name].examples for name in self._spans)
            ]
        }


class PushedModels(ResolverStrategy):
    """Picks the models that were pushed last, this run's own left out; none on the first run.

    What was blessed and not pushed is no yardstick: a tie, a model without a review, or one that was refused later.
    """

    def __init__(self, pipeline: str, versions: int = 1, destination: str = ""):
        """Take which pushes.

        Args:
            pipeline: the name of the pipeline that pushes.
            versions: how many of the models pushed last.
            destination: the folder of versions that they were pushed to; empty: any.
        """
        self._pipeline, self._versions = pipeline, versions
        self._destination = Path(destination) if destination else None

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts:
        """Picks the last one for MODEL, those before it for EARLIER, the newest first, and what is known of all.

        Args:
            store: ML Metadata, which knows what was pushed.
            input_dict: every known model as MODEL; as EARLIER and COMPARISONS every known one, where these are wanted;
                this run's model as CURRENT, where there is one.
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
            EARLIER: last[1:],  # ML Metadata has room for an artifact once in what a resolver found
            COMPARISONS: [compared[model.uri] for model in last if model.uri in compared],
        }
        return {key: wanted.get(key, []) for key in input_dict}


class ArtifactsByUri(ResolverStrategy):
    """Picks artifacts of any pipeline of the database by their URIs: no channel here has what another pipeline made."""

    def __init__(self, uris: Mapping[str, Sequence[str]]):
        self._uris = uris

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts:
        """Picks the artifacts of each key, in the order in which they were made; none that is gone.

        Args:
            store: holds them.
            input_dict: the keys.
        """
        return {key: _read_artifacts(store, self._uris.get(key, ())) for key in input_dict}


def _read_artifacts(store: mlmd.MetadataStore, uris: Sequence[str]) -> list[types.Artifact]:
    found = [artifact for uri in uris for artifact in store.get_artifacts_by_uri(uri)]
    kinds = store.get_artifact_types_by_id(sorted({one.type_id for one in found})) if found else []
    types_by_id = {kind.id: kind for kind in kinds}
    artifacts = [artifact_utils.deserialize_artifact(types_by_id[one.type_id], one) for one in found]
    return [artifact for artifact in sorted(artifacts, key=lambda one: one.id) if fileio.exists(artifact.uri)]


def _without_current(input_dict: Artifacts, key: str) -> list[types.Artifact]:
    """Returns the artifacts of a channel that still exist, without this run's own."""
    current = {artifact.uri for artifact in input_dict.get(CURRENT, ())}
    return [artifact for artifact in input_dict[key] if artifact.uri not in current and fileio.exists(artifact.uri)]
