"""What Pusher is told where a review is required."""

from pathlib import Path
from typing import Any

import pytest

from pipelines.config import PipelineConfig, TrainerConfig
from pipelines.review import state
from pipelines.review.review_file import Review, append_review
from pipelines.task_definition.task_files import task_file_digests
from pipelines.training import create_pipeline
from tests.tasks.diabetes.task import TASK

PUSHER = "Pusher"


@pytest.fixture
def review_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the diabetes task's reviews are, in this test."""
    path = tmp_path / "review.toml"
    monkeypatch.setattr(state, "review_file", lambda task: path)
    return path


def parameters(tmp_path: Path, *, require_review: bool) -> dict[str, dict[str, Any]]:
    """Node -> what it is told."""
    (tmp_path / "data.csv").write_text("a\n1\n")
    config = PipelineConfig(
        task=TASK,
        data=tmp_path / "data.csv",
        contract=TASK.contract,
        var=tmp_path,
        trainer=TrainerConfig(train_steps=1),
        require_review=require_review,
    )
    return {node.id: dict(node.exec_properties) for node in create_pipeline(config).components}


def test_without_a_review_pusher_alone_is_told_why_not(tmp_path: Path, review_file: Path) -> None:
    free, required = (parameters(tmp_path, require_review=required) for required in (False, True))
    assert {node for node in free if free[node] != required[node]} == {PUSHER}
    assert "refusal" not in free[PUSHER]["custom_config"]
    assert state.review_state(TASK).sentence in required[PUSHER]["custom_config"]


def test_with_a_review_pusher_is_told_what_it_is_told_without_the_demand(tmp_path: Path, review_file: Path) -> None:
    files = task_file_digests(TASK)
    review = Review(reviewer="Ada", date="2026-11-21", run="r", note="n", metrics={}, task_files=files)
    append_review(review_file, review.with_checksum())
    free, required = (parameters(tmp_path, require_review=required) for required in (False, True))
    assert free == required
