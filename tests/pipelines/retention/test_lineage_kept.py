"""What the next run may be compared with."""

from typing import Any, cast

from components.artifacts import DataBlessing
from pipelines.retention.lineage_kept import find_baselines
from pipelines.runs.metadata import Artifact, Metadata


class Recorded:
    """Statistics of files (1), then of three runs over spans (3, 5, 7), each with its blessing after it."""

    def __init__(self) -> None:
        spans = {1: 0, 3: 16071, 5: 16071, 7: 16161}
        self.artifacts = {id: self._make(id, "ExampleStatistics", span=span) for id, span in spans.items()}
        self.artifacts |= {
            id + 1: self._make(id + 1, DataBlessing.TYPE_NAME, **{DataBlessing.STATISTICS_URI: f"/artifacts/{id}"})
            for id in spans
        }

    @staticmethod
    def _make(id: int, kind: str, **properties: Any) -> Artifact:
        return cast(
            "Artifact", type("Made", (), {"id": id, "uri": f"/artifacts/{id}", "type": kind, "properties": properties})
        )

    def find_producer(self, artifact: int) -> None:
        """Nobody asks which pipeline made them: they are of one."""


def test_rows_of_files_stay_the_yardstick_of_files_after_many_runs_over_spans() -> None:
    recorded = Recorded()
    assert find_baselines(cast("Metadata", recorded), recorded.artifacts) == {1, 2, 5, 6, 7, 8}
