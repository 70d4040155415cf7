"""What a comparison records where there are too few requests, or none; the real replay is in test_rollout.py."""

from pathlib import Path
from typing import Any

import pytest

from serving.rollout import replay, replay_requests
from serving.rollout.admin_client import TimedPrediction
from serving.rollout.comparison import PredictionPair
from serving.rollout.errors import DiffersError, NoRequestsError
from serving.rollout.models_config import Assignment, ModelsConfig
from serving.rollout.options import VerdictLimits
from serving.rollout.replay import ReplayPlan
from serving.rollout.replay_requests import ReplayRequests
from serving.rollout.rollout import Rollout

CONFIG = 'model_config_list { config { name: "taxi" base_path: "/x" model_platform: "tensorflow" } }'


class NoContract:
    """A contract without a feature."""

    features = ()

    def inputs(self, rows: list) -> dict:
        return {}


@pytest.fixture
def rollout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rollout:
    """Version 2 is on trial beside version 1; no server is asked."""
    ModelsConfig(tmp_path / "models.config", CONFIG).assigning("taxi", Assignment.trial(1, 2)).write()
    monkeypatch.setattr(replay, "_contract", lambda rollout, version: NoContract())
    server: Any = None
    return Rollout(
        config_path=tmp_path / "models.config", model="taxi", servers=[server], versions_folder=tmp_path,
        signature="serving_raw", drain_seconds=0, say=lambda line: None,
    )  # fmt: skip


def plan(path: Path) -> ReplayPlan:
    return ReplayPlan(path=path, limit=10, threshold=0.5, limits=VerdictLimits(min_rows=3))


@pytest.mark.parametrize(
    ("rows", "canary", "detail"),
    [
        (3, 0.8, "canary 2 is within the limits"),
        (2, 0.8, "canary 2 cannot be judged: rows 2, at least 3"),
        (3, 0.95, "canary 2 differs: mean difference 0.15, at most 0.05"),
        (2, "no such input", "canary 2 differs: rows 0, at least 3; failed requests 2, at most 0"),
    ],
)
def test_too_few_rows_alone_are_no_verdict(
    rollout: Rollout, monkeypatch: pytest.MonkeyPatch, rows: int, canary: float | str, detail: str
) -> None:
    old = TimedPrediction(predictions=[[0.8]], seconds=0.001)
    new = canary if isinstance(canary, str) else TimedPrediction(predictions=[[canary]], seconds=0.001)
    monkeypatch.setattr(replay_requests, "read", lambda *_: ReplayRequests(rows=[[{}]] * rows, left_out={}))
    monkeypatch.setattr(replay, "_replay", lambda *_: [PredictionPair.of(old, new)] * rows)
    if detail.endswith("limits"):
        replay.compare(rollout, plan(Path("log")), 1, 2)
    else:
        with pytest.raises(DiffersError):
            replay.compare(rollout, plan(Path("log")), 1, 2)
    assert rollout.log.records("taxi")[-1].detail == detail


def test_an_empty_log_is_no_verdict(rollout: Rollout, tmp_path: Path) -> None:
    (tmp_path / "requests").mkdir()
    with pytest.raises(NoRequestsError):
        replay.compare(rollout, plan(tmp_path / "requests"), 1, 2)
    assert rollout.log.records("taxi")[-1].detail.startswith("canary 2 cannot be judged: no requests to replay at ")
