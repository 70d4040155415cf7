"""Define this project's artifact types and custom properties, in addition to TFX's standard ones."""

from tfx.types.artifact import Artifact

from components import span_names

# Properties name another artifact by its URI, not by its id: other orchestrators' ids are 63-bit hashes that lose bits
# when they are passed as doubles (docs/decisions/0060-any-file-system.md).

# Custom property that SkewGate gives its InfraBlessing: the URI of the Model that it blesses or refuses.
INFRA_BLESSING_MODEL_URI = "model_uri"


class DataBlessing(Artifact):
    """AnomalyGate's record that it accepted data. `report.json` lists the anomalies that were tolerated."""

    TYPE_NAME = span_names.BLESSING_TYPE
    # Custom property: the URI of the ExampleStatistics artifact that was accepted.
    STATISTICS_URI = span_names.STATISTICS_URI
    # Custom property: the digest of the code that judged, and of what else the judgement depends on.
    JUDGED_BY = span_names.JUDGED_BY


class ModelComparison(Artifact):
    """A comparison of a model with those pushed before: `report.json`, and its predictions for the eval rows."""

    TYPE_NAME = "ModelComparison"
    # Custom properties: the URI of the Model; the outcome; 1 if no metric is worse than its margin allows.
    MODEL_URI, OUTCOME, WITHIN_MARGINS = "model_uri", "outcome", "within_margins"
    # Values of OUTCOME. FIRST: no model was pushed before. NOT_COMPARED: the one pushed before cannot predict.
    BETTER, WORSE, TIE, FIRST, NOT_COMPARED = "better", "worse", "tie", "first", "not compared"


class RowTimes(Artifact):
    """Counts of the rows of a span that are within its time and of those that are not: `report.json`."""

    TYPE_NAME = "RowTimes"


class LoggedAnswers(Artifact):
    """The request log's columns other than features: `answers.parquet`, one row per logged row."""

    TYPE_NAME = "LoggedAnswers"


class TrafficReport(Artifact):
    """TrafficMonitor's report of a window of served rows: `report.json`."""

    TYPE_NAME = "TrafficReport"
    # Custom properties: the verdict, and the number of rows that it is based on.
    VERDICT, ROWS = "verdict", "rows"


class Predictions(Artifact):
    """Predictions for the rows of files, and the rows that were refused (components.batch_predictor)."""

    TYPE_NAME = "Predictions"
    # Custom properties: how many rows were predicted and refused, and the version of the model.
    PREDICTED, REFUSED, MODEL_VERSION = "predicted", "refused", "model_version"
