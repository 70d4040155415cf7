"""Which processes may work on one folder at the same time; what is refused before anything is loaded."""

import json
from pathlib import Path

import pytest

from pipelines.cli.app import execute
from pipelines.metadata_database import PASSWORD
from pipelines.orchestration.command import _hold
from pipelines.orchestration.options import WRONG_USE, NodeOptions
from pipelines.runner.lock import BusyError


def options(var: Path, run: int, node: str) -> NodeOptions:
    return NodeOptions(var=var, run_id=f"20260131-00000{run}", node=node, wait_minutes=0)


DATABASE = {"host": "127.0.0.1", "port": 3306, "database": "mlmd", "user": "tfx"}


def test_in_sqlite_one_node_at_a_time(tmp_path: Path) -> None:
    with _hold(options(tmp_path, 1, "Trainer")), pytest.raises(BusyError), _hold(options(tmp_path, 1, "Evaluator")):
        pytest.fail("two nodes write to one SQLite file")


def test_in_mysql_each_node_once_and_of_all_runs_one_push(tmp_path: Path) -> None:
    """Two pushes at once would each find that nobody has pushed since, and one of the models be compared with none."""
    (tmp_path / "metadata.json").write_text(json.dumps(DATABASE))
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


@pytest.mark.parametrize("command", [["node", "--list"], ["node", "--run-id", "20260131-235959", "--node", "Trainer"]])
def test_another_try_without_the_password_ends_the_same(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(PASSWORD, raising=False)
    (tmp_path / "metadata.json").write_text(json.dumps(DATABASE))
    assert execute([*command, "--var", str(tmp_path)]) == WRONG_USE
    assert f"expected its user's password in the environment variable {PASSWORD}, received none" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "runs").exists()
