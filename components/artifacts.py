"""Artifact types that the standard set lacks."""

from tfx.types.artifact import Artifact


class DataBlessing(Artifact):
    """Data that AnomalyGate let through. `report.json` lists what was found and tolerated."""

    TYPE_NAME = "DataBlessing"
    # Custom property: the id of the ExampleStatistics artifact that was accepted.
    STATISTICS_ID = "statistics_id"
