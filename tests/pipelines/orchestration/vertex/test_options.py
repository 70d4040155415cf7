"""What a job cannot be asked for, and in which words it is refused."""

from pathlib import Path
from typing import Any

import pytest

from pipelines.config import ConfigError, TrainerOptions
from pipelines.orchestration.vertex.options import VertexOptions


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": "var/data"}, "--data: expected a place that Vertex AI can reach, such as gs://my-bucket/"),
        ({"push_to": "/srv"}, "--push-to: expected a place that Vertex AI can reach"),
        ({"trainer": TrainerOptions(warm_start=True)}, "--warm-start: expected a local run, received a job"),
        ({"schedule": "daily"}, "--schedule: expected a cron expression of five fields, such as '0 6 * * 1', received"),
        ({"schedule": "0 6 * * 1", "wait": True}, "expected --wait or --schedule, received both"),
        ({"var": Path("gs://b/var")}, "--var: expected a path of this machine, received gs://b/var"),
        ({"train_steps": 0}, "train steps: expected 1 or more, received 0"),
        ({"experiment": "a", "push_to": "gs://b/x"}, "--push-to: expected a run that may push, received an experiment"),
        ({"experiment": "a", "push_ties": True}, "--push-ties: expected a run that may push"),
    ],
)  # fmt: skip
def test_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        VertexOptions(**options)
    assert str(raised.value).startswith(message)


def test_the_options_of_a_run_are_handed_on(tmp_path: Path) -> None:
    run = VertexOptions(task="tests.tasks.iris", var=tmp_path, train_steps=7, force=True, push_ties=True).as_run()
    assert (run.task, run.var, run.train_steps, run.force, run.push_ties) == (
        "tests.tasks.iris",
        tmp_path,
        7,
        True,
        True,
    )
    assert (run.infra, run.engine, run.data) == ("embedded", "local", None)
