"""What a task says of its search survives a TFX component's parameters."""

import json

from pipelines.task_definition import tuning
from pipelines.tasks.taxi.tuner import TUNING


def test_the_functions_are_found_again_by_their_names() -> None:
    assert tuning.from_json(json.loads(json.dumps(tuning.to_json(TUNING)))) == TUNING
