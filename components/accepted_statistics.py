"""Resolves the statistics of the data that AnomalyGate accepted last: what drift is measured against."""

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.components.common.resolver import ResolverStrategy

from components.artifacts import DataBlessing

STATISTICS, BLESSING = "statistics", "blessing"  # the input channels


class LatestAcceptedStatistics(ResolverStrategy):
    """Picks the newest DataBlessing and the ExampleStatistics that it blesses; both empty when there is none.

    Data that the gate refused has no blessing, so refused data never becomes the yardstick.
    """

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Picks one artifact for each of the channels STATISTICS and BLESSING, or none.

        Args:
            store: not used; the channels hold all that is needed.
            input_dict: every known artifact of the two channels.
        """
        statistics = {artifact.id: artifact for artifact in input_dict[STATISTICS]}
        for blessing in sorted(input_dict[BLESSING], key=lambda artifact: artifact.id, reverse=True):
            accepted = statistics.get(blessing.get_int_custom_property(DataBlessing.STATISTICS_ID))
            if accepted is not None:
                return {STATISTICS: [accepted], BLESSING: [blessing]}
        return {STATISTICS: [], BLESSING: []}
