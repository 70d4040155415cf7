"""What a run can be told."""

from pathlib import Path

import pytest

from pipelines.config import ConfigError, PipelineConfig, TrainerConfig, TunerConfig, contract_copy
from pipelines.task_definition.task import load_task
from tests.tasks.diabetes.task import TASK


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
    ],
)
def test_tuner_config_refuses(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        TunerConfig(**options)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"infra": "podman"}, "infra: expected one of embedded, docker, received 'podman'"),
        ({"time_limit": 0}, "time limit: expected 1 s or more, received 0"),
    ],
)
def test_pipeline_config_refuses(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        PipelineConfig(
            task=TASK, data=tmp_path, contract=tmp_path, var=tmp_path, trainer=TrainerConfig(train_steps=1), **options
        )
    assert str(error.value) == message


def test_everything_lies_below_var(tmp_path: Path) -> None:
    config = PipelineConfig(
        task=TASK, data=tmp_path, contract=tmp_path, var=tmp_path / "var", trainer=TrainerConfig(train_steps=1)
    )
    assert config.artifacts == tmp_path / "var" / "artifacts" / "diabetes"
    assert config.metadata == tmp_path / "var" / "metadata.sqlite"
    assert config.serving == tmp_path / "var" / "serving" / "diabetes"


def test_a_push_elsewhere(tmp_path: Path) -> None:
    config = PipelineConfig(
        task=TASK,
        data=tmp_path,
        contract=tmp_path,
        var=tmp_path / "var",
        trainer=TrainerConfig(train_steps=1),
        push_to=tmp_path / "production",
    )
    assert config.serving == tmp_path / "production" / "diabetes"
    assert config.artifacts == tmp_path / "var" / "artifacts" / "diabetes"


def test_a_search_that_nobody_could_have_reviewed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        PipelineConfig(
            task=load_task("taxi"),
            data=tmp_path,
            contract=tmp_path,
            var=tmp_path,
            trainer=TrainerConfig(train_steps=1),
            tuner=TunerConfig(),
            require_review=True,
        )
    assert str(error.value) == (
        "a search with a review required: expected one or the other, received both; what a search finds nobody has "
        "reviewed: commit it to the task's hyperparameters, run, and review that run."
    )


def test_the_contract_has_another_path_when_it_says_something_else(tmp_path: Path) -> None:
    first = contract_copy(TASK, tmp_path)
    assert first == contract_copy(TASK, tmp_path)
    assert first.read_bytes() == TASK.contract.read_bytes()
    edited = tmp_path / "edited.pbtxt"
    edited.write_bytes(TASK.contract.read_bytes() + b"# a word more\n")
    fields = {name: getattr(TASK, name) for name in TASK.__dataclass_fields__}
    second = contract_copy(type(TASK)(**fields | {"contract": edited}), tmp_path)
    assert second.parent == first.parent
    assert second.name != first.name
