"""The command: which version, which threshold, what it prints, and its exit status."""

import shutil
import signal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from components.batch_predictor.errors import BatchPredictionError
from pipelines.cli.app import execute
from pipelines.prediction import command
from pipelines.prediction.options import PredictionOptions
from pipelines.task_definition.task import load_task
from tests.components.batch_predictor import small_model
from tests.runs.project import DIABETES


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pushed versions of the taxi task, and what a push that was killed left."""
    var = tmp_path_factory.mktemp("var")
    serving = var / "serving" / "taxi"
    small_model.save(serving / "5")
    shutil.copytree(serving / "5", serving / "70")
    shutil.copytree(serving / "5", serving / "80.tmp")
    return var


def options(var: Path, **more: object) -> PredictionOptions:
    (var / "a.csv").write_text("x,word,id\n.1,w,r0\n.7,w,r1\n")
    return PredictionOptions(data=var / "a.csv", out=var / "out.parquet", var=var, **more)  # type: ignore[arg-type]


def test_the_newest_version_or_the_one_that_is_asked_for(var: Path) -> None:
    task = load_task("taxi")
    job = command.make_job(options(var), task)
    assert (job.version, job.model, job.threshold) == (70, var / "serving" / "taxi" / "70", 0.5)
    assert command.make_job(options(var, version=5), task).version == 5
    with pytest.raises(BatchPredictionError, match="expected one of 5, 70"):
        command.make_job(options(var, version=6), task)


def test_a_task_without_a_version_and_without_a_threshold(var: Path) -> None:
    task = load_task(DIABETES)
    with pytest.raises(BatchPredictionError, match="no version of diabetes is pushed"):
        command.make_job(options(var), task)
    (var / "serving" / "diabetes" / "3").mkdir(parents=True)
    assert command.make_job(options(var), task).threshold is None


def test_the_threshold_is_the_gateway_s(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command.deployment, "decision_threshold", lambda task: {"taxi": 0.25}[task])
    assert command.make_job(options(var), load_task("taxi")).threshold == 0.25


def test_an_output_among_the_rows(var: Path) -> None:
    told = PredictionOptions(data=var, out=var / "out.csv", var=var)
    with pytest.raises(BatchPredictionError, match="expected a path outside the folder of the rows"):
        command.make_job(told, load_task("taxi"))


@pytest.mark.slow
def test_the_exit_status_says_whether_rows_were_refused(
    var: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "rows.csv", tmp_path / "new" / "out.parquet"
    words = ["predict", "--var", str(var), "--data", str(data), "--out", str(out), "--keep", "id", "--keep", "word"]
    data.write_text("x,word,id\n.1,w,r0\n.7,w,r1\n")
    assert execute(words) == 0
    assert "predicted  2: false 1, true 1\nrefused    0\n" in capsys.readouterr().out
    assert pq.read_table(out).column_names[2:4] == ["id", "word"]
    data.write_text("x,id\n2,r0\n.7,r1\n")
    assert execute(words[:-2]) == 1
    said = capsys.readouterr().out
    assert "no column  word: taken as missing in every row" in said
    assert f"refused    1  {out}.refused.csv\n           1 × x: expected a number from 0 to 1\n" in said
    assert pq.read_table(out).column("line").to_pylist() == [3]


@pytest.mark.slow
def test_what_fails_is_told_in_one_line(var: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["predict", "--var", str(var), "--data", str(tmp_path / "no.csv"), "--out", str(tmp_path / "out.csv")]
    assert execute(words) == 1
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'no.csv'}: no such file or folder.")
    assert execute([*words, "--task", "taxy"]) == 2


def test_an_interrupt_that_beam_makes_an_error_of(
    var: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lose_interrupt(*told: object) -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt as error:
            raise RuntimeError("while running 'Predictions/Predict'") from error

    monkeypatch.setattr(command, "predict_files", lose_interrupt)
    (tmp_path / "a.csv").write_text("x,word\n.1,w\n")
    words = ["predict", "--var", str(var), "--data", str(tmp_path / "a.csv"), "--out", str(tmp_path / "out.csv")]
    assert execute(words) == 130
    assert capsys.readouterr().err == f"interrupted; finished parts are kept in {tmp_path / '.out.csv.parts'}\n"
