import pytest

from pipelines.replay.errors import ReplayError
from pipelines.replay.played_policy import compress_policy
from pipelines.retraining.policy import Due, RetrainingPolicy, read_policy


def test_lengths_shrink_and_triggers_stay() -> None:
    task = read_policy("taxi")
    played = compress_policy(task, seconds=31, spans=16)
    assert (played.policy, played.window, played.limits.cool_down) == ("auto", "31s", "31s")
    assert played.limits.trainings_a_month == 16
    assert (played.due.schedule, played.due.new_rows) == (None, task.due.new_rows)
    assert (played.due.drift, played.due.performance) == (True, True)
    assert (played.spans, played.evaluate_on) == (task.spans, task.evaluate_on)
    assert (played.trial.percent, played.trial.length) == (task.trial.percent, "1s")
    assert played.trial.mean_difference == task.trial.mean_difference


def test_a_pass_before_any_traffic_has_a_window_too() -> None:
    assert compress_policy(read_policy("taxi"), seconds=0, spans=3).window == "1s"


def test_a_policy_of_a_schedule_alone_cannot_be_played() -> None:
    policy = RetrainingPolicy(policy="auto", spans="all", due=Due(schedule="13w"))
    with pytest.raises(ReplayError, match="needs a trigger other than the schedule"):
        compress_policy(policy, seconds=31, spans=16)
