"""Labels that no model can learn from are refused before training."""

import numpy as np
import pytest

from pipelines.modeling.fitting import Rows, TrainingError
from pipelines.modeling.labels import require_classes, require_different_labels


def rows(*labels: float) -> Rows:
    return Rows(features={}, labels=np.array(labels).reshape(-1, 1))


def test_known_classes_pass() -> None:
    require_classes(rows(0, 2, 2), "kind", 3)


@pytest.mark.parametrize(("stray", "count"), [(-1, 1), (3, 2)])
def test_a_value_of_no_class(stray: int, count: int) -> None:
    with pytest.raises(TrainingError, match=rf"^label kind: expected 0 to 2, received {stray} in {count} of"):
        require_classes(rows(0, 1, *[stray] * count), "kind", 3)


def test_one_class_only() -> None:
    with pytest.raises(TrainingError, match="label kind is 1 in every one of 3 training rows: expected different"):
        require_classes(rows(1, 1, 1), "kind", 3)


def test_numbers() -> None:
    require_different_labels(rows(1.5, 2.5), "price")
    with pytest.raises(TrainingError, match=r"label price is 1.5 in every one of 2 training rows"):
        require_different_labels(rows(1.5, 1.5), "price")
