"""Which processes may work on one folder at the same time."""

import json
from pathlib import Path

import pytest

from pipelines.orchestration.command import _hold
from pipelines.orchestration.options import NodeOptions
from pipelines.runner.lock import BusyError


def options(var: Path, run: int, node: str) -> NodeOptions:
    return NodeOptions(var=var, run_id=f"20260131-00000{run}", node=node, wait_minutes=0)


def test_in_sqlite_one_node_at_a_time(tmp_path: Path) -> None:
    with _hold(options(tmp_path, 1, "Trainer")), pytest.raises(BusyError), _hold(options(tmp_path, 1, "Evaluator")):
        pytest.fail("two nodes write to one SQLite file")


def test_in_mysql_each_node_once_and_of_all_runs_one_push(tmp_path: Path) -> None:
    """Two pushes at once would each find that nobody has pushed since, and one of the models be compared with none."""
    database = {"host": "127.0.0.1", "port": 3306, "database": "mlmd", "user": "tfx"}
    (tmp_path / "metadata.json").write_text(json.dumps(database))
    trainer, pusher = options(tmp_path, 1, "Trainer"), options(tmp_path, 1, "Pusher")
    with (
        _hold(trainer),
        _hold(options(tmp_path, 1, "Evaluator")),
        _hold(options(tmp_path, 2, "Trainer")),
        _hold(pusher),
    ):
        for node in (trainer, options(tmp_path, 2, "Pusher")):
            with pytest.raises(BusyError), _hold(node):
                pytest.fail(f"{node.node} is there twice")
