"""Artifact types and properties that the standard set lacks."""

from tfx.types.artifact import Artifact

# Custom property that SkewGate gives its InfraBlessing: the id of the Model that it blesses or refuses.
INFRA_BLESSING_MODEL_ID = "model_id"


class DataBlessing(Artifact):
    """Data that AnomalyGate let through. `report.json` lists what was found and tolerated."""

    TYPE_NAME = "DataBlessing"
    # Custom property: the id of the ExampleStatistics artifact that was accepted.
    STATISTICS_ID = "statistics_id"


class Predictions(Artifact):
    """Predictions of the rows of files, and beside them the rows that were refused (components.batch_predictor)."""

    TYPE_NAME = "Predictions"
    # Custom properties: how many rows there are of each, and the version of the model.
    PREDICTED, REFUSED, MODEL_VERSION = "predicted", "refused", "model_version"
