"""What a task says of its search survives a TFX component's parameters."""

import json

from pipelines.task_definition import tuning
from pipelines.tasks.taxi.tuner import TUNING


def test_by_names_finds_the_same_again() -> None:
    assert tuning.by_names(json.loads(json.dumps(tuning.names(TUNING)))) == TUNING
