"""Resolver strategies: what this run's data and model are compared with. Never with themselves.

TFX's own strategies pick the newest artifact, which on a second run is this run's own: the comparison would say
nothing, and everything that compares would run again for it.
"""

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import LatestBlessedModelStrategy

from components.artifacts import DataBlessing

Artifacts = dict[str, list[types.Artifact]]

STATISTICS, DATA_BLESSING = "statistics", "blessing"
MODEL, MODEL_BLESSING = "model", "model_blessing"
CURRENT = "current"  # the channel with what this run compares


class LatestAcceptedStatistics(ResolverStrategy):
    """Picks the statistics of the data that AnomalyGate accepted last; none on the first run.

    Data that the gate refused has no blessing, so refused data never becomes the yardstick.
    """

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts:
        """Picks one artifact for STATISTICS and one for DATA_BLESSING, or none; none for CURRENT.

        Args:
            store: not used; the channels hold all that is needed.
            input_dict: every known artifact of the two channels, and this run's statistics as CURRENT.
        """
        others = {artifact.id: artifact for artifact in _without_current(input_dict, STATISTICS)}
        for blessing in sorted(input_dict[DATA_BLESSING], key=lambda artifact: artifact.id, reverse=True):
            accepted = others.get(blessing.get_int_custom_property(DataBlessing.STATISTICS_ID))
            if accepted is not None:
                return {STATISTICS: [accepted], DATA_BLESSING: [blessing], CURRENT: []}
        return {STATISTICS: [], DATA_BLESSING: [], CURRENT: []}


class LatestBlessedOtherModel(ResolverStrategy):
    """Picks the model that was blessed last, this run's own left out; none on the first run."""

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts:
        """Picks one artifact for MODEL and one for MODEL_BLESSING, or none; none for CURRENT.

        Args:
            store: passed on to TFX's strategy.
            input_dict: every known artifact of the two channels, and this run's model as CURRENT.
        """
        others = {MODEL: _without_current(input_dict, MODEL), MODEL_BLESSING: input_dict[MODEL_BLESSING]}
        latest = LatestBlessedModelStrategy().resolve_artifacts(store, others) or {}
        return {MODEL: [], MODEL_BLESSING: [], **latest, CURRENT: []}


def _without_current(input_dict: Artifacts, key: str) -> list[types.Artifact]:
    current = {artifact.id for artifact in input_dict[CURRENT]}
    return [artifact for artifact in input_dict[key] if artifact.id not in current]
