"""What was promised, without the run that promised it."""

from typing import Any, cast

import numpy as np
import pandas as pd

from pipelines.production_metrics.metrics import metrics_at
from pipelines.production_metrics.reference import VersionReference


def test_values_are_those_of_the_run_but_for_decisions_at_the_gateways_threshold() -> None:
    """TFMA's precision and recall, where a task has them, are at 0.5; the gateway decides at 0.3."""
    reported = {"auc": 0.8, "precision": 0.25, "recall": 0.25, "binary_accuracy": np.nan}
    reference = VersionReference(
        run=cast(Any, None),
        rows=pd.DataFrame({"hour": [1, 2, 3, 4]}),
        labels=np.array([1, 1, 0, 0]),
        predictions=np.array([0.9, 0.4, 0.35, 0.1]),
        slices={"overall": ()},
        measured=pd.DataFrame([reported], index=["overall"]),
    )
    found = {name: interval.value for name, interval in reference.promise("overall", metrics_at(0.3)).items()}
    assert (found["auc"], found["precision"], found["recall"]) == (0.8, 2 / 3, 1.0)
    assert found["binary_accuracy"] == 0.75
