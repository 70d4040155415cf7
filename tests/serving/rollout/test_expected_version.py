"""A step that names what it expects does nothing where somebody took a step meanwhile. No server is asked."""

from pathlib import Path

import pytest

from serving.rollout import rollback, steps
from serving.rollout.errors import PreconditionError
from serving.rollout.models_config import Assignment, ModelsConfig
from serving.rollout.rollout import Rollout
from serving.rollout.step_log import RolloutState, StepRecord, StepResult

CONFIG = 'model_config_list { config { name: "taxi" base_path: "/x" model_platform: "tensorflow" } }'


@pytest.fixture
def rollout(tmp_path: Path) -> Rollout:
    """Version 1 is stable, version 2 on trial."""
    ModelsConfig(tmp_path / "models.config", CONFIG).assigning("taxi", Assignment.trial(1, 2)).write()
    return Rollout(
        config_path=tmp_path / "models.config", model="taxi", servers=[], versions_folder=tmp_path,
        signature="serving_raw", drain_seconds=0, say=lambda line: None,
    )  # fmt: skip


def promoted(rollout: Rollout) -> None:
    """Somebody promoted version 2, as the log has it."""
    rollout.config().assigning("taxi", Assignment.only(2)).write()
    rollout.log.append(step(rollout, StepResult.DONE))


def step(rollout: Rollout, result: StepResult) -> StepRecord:
    return StepRecord(
        time="2026-11-21T08:00:00.000+00:00", who="op@host", command="promote", model="taxi",
        before=RolloutState(1, 2, 10), after=RolloutState(2, None, 0), result=result,
        config_before=rollout.config().text,
    )  # fmt: skip


def test_another_version_on_trial_is_not_promoted_and_its_trial_goes_on(rollout: Rollout) -> None:
    message = "version 3 is not on trial: expected it as the canary, received stable 1, canary 2 at 0%"
    with pytest.raises(PreconditionError, match=message):
        steps.promote(rollout, 3)
    with pytest.raises(PreconditionError, match=message):
        rollback.end_trial(rollout, 3)
    assert rollout.config().labels("taxi") == {"stable": 1, "canary": 2}


def test_a_promotion_meanwhile_is_not_undone(rollout: Rollout) -> None:
    promoted(rollout)
    (rollout.versions_folder / "1").mkdir()
    (rollout.versions_folder / "1" / "saved_model.pb").touch()
    with pytest.raises(PreconditionError, match="no version is on trial"):
        rollback.end_trial(rollout, 2)
    with pytest.raises(PreconditionError, match="there is nothing to repair: expected an unfinished step"):
        rollback.repair(rollout)
    assert rollout.config().labels("taxi") == {"stable": 2, "canary": 2}


def test_a_step_without_an_end_is_mended(rollout: Rollout) -> None:
    rollout.log.append(step(rollout, StepResult.STARTED))
    with pytest.raises(PreconditionError):
        rollback.end_trial(rollout, 2)
    rollback.repair(rollout)
    assert rollout.log.records("taxi")[-1].result is StepResult.PUT_BACK
