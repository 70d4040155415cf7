"""Artifact types and properties that the standard set lacks."""

from tfx.types.artifact import Artifact

from components import span_names

# Properties name another artifact by its URI, never by its id: ids of other orchestrators are hashes of 63 bits that
# pass through doubles (docs/decisions/0060-any-file-system.md).

# Custom property that SkewGate gives its InfraBlessing: the URI of the Model that it blesses or refuses.
INFRA_BLESSING_MODEL_URI = "model_uri"


class DataBlessing(Artifact):
    """Data that AnomalyGate let through. `report.json` lists what was found and tolerated."""

    TYPE_NAME = span_names.BLESSING_TYPE
    # Custom property: the URI of the ExampleStatistics artifact that was accepted.
    STATISTICS_URI = span_names.STATISTICS_URI
    # Custom property: the digest of the code that judged, and of what else the caller had it judge by.
    JUDGED_BY = span_names.JUDGED_BY


class ModelComparison(Artifact):
    """How a model compares with those pushed before: `report.json`, and its predictions of the eval rows."""

    TYPE_NAME = "ModelComparison"
    # Custom properties: the URI of the Model; what came out; 1 where everything is no worse than its margin allows.
    MODEL_URI, OUTCOME, WITHIN_MARGINS = "model_uri", "outcome", "within_margins"
    # Values of OUTCOME. FIRST: no model was pushed before. NOT_COMPARED: the one pushed before cannot be asked.
    BETTER, WORSE, TIE, FIRST, NOT_COMPARED = "better", "worse", "tie", "first", "not compared"


class RowTimes(Artifact):
    """Which rows of a span are of its time, and which are not: `report.json`."""

    TYPE_NAME = "RowTimes"


class LoggedAnswers(Artifact):
    """What the gateway's request log says of rows beside their features: `answers.parquet`, one row per logged row."""

    TYPE_NAME = "LoggedAnswers"


class TrafficReport(Artifact):
    """What TrafficMonitor says of a window of served rows: `report.json`."""

    TYPE_NAME = "TrafficReport"
    # Custom properties: the verdict, and how many rows it is of.
    VERDICT, ROWS = "verdict", "rows"


class Predictions(Artifact):
    """Predictions of the rows of files, and beside them the rows that were refused (components.batch_predictor)."""

    TYPE_NAME = "Predictions"
    # Custom properties: how many rows there are of each, and the version of the model.
    PREDICTED, REFUSED, MODEL_VERSION = "predicted", "refused", "model_version"
