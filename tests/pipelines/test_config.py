"""What a run can be told."""

import pytest

from pipelines.config import ConfigError, TrainerConfig, TunerConfig


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train_steps": 0}, "train steps: expected 1 or more, received 0"),
        (
            {"train_steps": 1, "distribute": "mirror"},
            "distribute: expected one of auto, none, mirrored, received 'mirror'",
        ),
    ],
)
def test_trainer_config_refuses(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        TrainerConfig(**options)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "trials: expected 1 or more, received 0"),
        ({"minutes": 0.0}, "minutes: expected more than 0, received 0.0"),
        ({"minutes": float("nan")}, "minutes: expected more than 0, received nan"),
        ({"minutes": float("inf")}, "minutes: expected more than 0, received inf"),
    ],
)
def test_tuner_config_refuses(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        TunerConfig(**options)
    assert str(error.value) == message
