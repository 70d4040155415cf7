"""TensorBoard's folder: a readable link for each training."""

import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from pipelines.cli.app import execute
from pipelines.overview.tensorboard_links import link_trainings, name_training
from pipelines.runs import Runs
from tests.pipelines.runs.made_leaderboard import FIRST, REFUSED, TRIED, edit, write_runs


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """FIRST and TRIED trained; REFUSED took its model from the cache."""
    write_runs(tmp_path)
    for run, state in ((FIRST, "ran"), (REFUSED, "cached"), (TRIED, "ran")):
        logs = tmp_path / "artifacts" / run / "tensorboard" / "train"
        logs.mkdir(parents=True)
        (logs / "events").write_text(run)
        output = {"model_run": {"type": "ModelRun", "uri": str(tmp_path / "artifacts" / run), "properties": {}}}
        node = {"id": "Trainer", "state": state, "seconds": 1.0, "summary": "", "outputs": output, "error": None}
        edit(tmp_path, run, nodes=[node])
    return tmp_path


def test_each_training_has_a_link(var: Path) -> None:
    folder = var / "tensorboard"
    (folder / "taxi").mkdir(parents=True)
    (folder / "taxi" / "old").symlink_to(var)
    links = link_trainings(Runs(var).list(), folder)
    assert [str(link.relative_to(folder)) for link in links] == [f"taxi/{FIRST}", f"taxi/{TRIED}_night_+hours_+x"]
    assert (links[1] / "train" / "events").read_text() == TRIED
    assert sorted((folder / "taxi").iterdir()) == sorted(links)  # what was there before is gone, its target is not
    assert (var / "runs").is_dir()


def test_a_name_is_fit_for_a_folder(var: Path) -> None:
    edit(var, TRIED, experiment={"name": "a/b: c", "note": None, "tags": []})
    assert name_training(Runs(var).open(TRIED)) == f"taxi/{TRIED}_a-b-c_+x"


def test_without_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_runs(tmp_path)
    assert execute(["tensorboard", "--var", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error: no run left logs for TensorBoard: expected one whose Trainer ran")


@pytest.mark.slow
def test_tensorboard_shows_them_on_this_machine_only(var: Path) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    for run in (FIRST, TRIED):
        writer = EventFileWriter(str(var / "artifacts" / run / "tensorboard" / "train"))
        writer.add_event(Event(step=1, summary=Summary(value=[Summary.Value(tag="epoch_loss", simple_value=0.5)])))
        writer.close()
    command = [sys.executable, "-m", "pipelines", "tensorboard", "--var", str(var), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            said = ""
            while not (found := re.search(r"at (http://127\.0\.0\.1:\d+/)", said)):
                line = process.stdout.readline()
                assert line, said
                said += line
            names: list[str] = []
            while len(names) < 2:  # it reads the logs after it has begun to answer
                with urllib.request.urlopen(f"{found[1]}data/runs", timeout=60) as answer:
                    names = json.load(answer)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()
    assert sorted(names) == [f"taxi/{FIRST}/train", f"taxi/{TRIED}_night_+hours_+x/train"]
