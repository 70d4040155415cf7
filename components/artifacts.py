"""Artifact types and properties that the standard set lacks."""

from tfx.types.artifact import Artifact

# Custom property that SkewGate gives its InfraBlessing: the id of the Model that it blesses or refuses.
INFRA_BLESSING_MODEL_ID = "model_id"


class DataBlessing(Artifact):
    """Data that AnomalyGate let through. `report.json` lists what was found and tolerated."""

    TYPE_NAME = "DataBlessing"
    # Custom property: the id of the ExampleStatistics artifact that was accepted.
    STATISTICS_ID = "statistics_id"


class LoggedAnswers(Artifact):
    """What the gateway's request log says of rows beside their features: `answers.parquet`, one row per logged row."""

    TYPE_NAME = "LoggedAnswers"


class TrafficReport(Artifact):
    """What TrafficMonitor says of a window of served rows: `report.json`."""

    TYPE_NAME = "TrafficReport"
    # Custom properties: the verdict, and how many rows it is of.
    VERDICT, ROWS = "verdict", "rows"
