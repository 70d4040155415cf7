"""Files in, an output as a whole: equal to the model's own, in order, resumed after a kill, never mixed."""

import csv
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from components.batch_predictor import prediction
from components.batch_predictor.errors import BatchPredictionError
from components.batch_predictor.job import PREDICTION_TIME
from components.batch_predictor.model import RawSignature
from components.batch_predictor.part_files import PartFiles
from components.batch_predictor.prediction import PredictedFiles, parts_folder
from components.batch_predictor.shard_predictor import PredictShards
from components.csv_example_gen.file_contents import SourceError
from pipelines.engines.local import LocalEngine
from serving.file_lock import exclusive
from tests.components.batch_predictor import small_model
from tests.components.batch_predictor.small_model import VERSION, job

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[3]


def write(folder: Path, name: str, *rows: str) -> Path:
    file = folder / name
    file.write_text("\n".join(["x,word,id", *rows, ""]))
    return file


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Three files; row n of all has the prediction n / 10 but for what is missing or refused."""
    a = write(tmp_path, "a.csv", "0,w,r0", ".1,w,r1", "2,w,r2", ".3,,r3")
    b = write(tmp_path, "b.csv", ".4,N/A,r4", ".5,w,r5", "x,w,r6", ",w,r7", "8")
    return [a, b, write(tmp_path, "c.csv", ".9,w,r9")]


def predict(model: Path, files: list[Path], out: Path, **more: object) -> PredictedFiles:
    """One shard a file."""
    return prediction.predict_files(job(model, *files, **more), out, LocalEngine().beam_args(), shard_bytes=1)


def read(out: Path) -> list[tuple[object, ...]]:
    """The rows of an output but for the time."""
    table = pa_csv.read_csv(out) if out.suffix == ".csv" else pq.read_table(out)
    table = table.drop([PREDICTION_TIME])
    return [tuple(round(v, 6) if isinstance(v, float) else v for v in row.values()) for row in table.to_pylist()]


EXPECTED = [
    ("a.csv", 2, 0.0, False, VERSION),
    ("a.csv", 3, 0.1, False, VERSION),
    ("a.csv", 5, 0.0, False, VERSION),
    ("b.csv", 2, 0.0, False, VERSION),
    ("b.csv", 3, 0.5, True, VERSION),
    ("c.csv", 2, 0.9, True, VERSION),
]
REFUSED = [
    ["a.csv", "4", "x", "2", "expected a number from 0 to 1"],
    ["b.csv", "4", "x", "x", "expected a number from 0 to 1"],
    ["b.csv", "5", "x", "", "expected a number from 0 to 1"],
    ["b.csv", "6", "", "", "expected 3 cells, as in the header, received 1"],
]


def test_one_file_of_all_and_the_refused_rows_beside(model: Path, files: list[Path], tmp_path: Path) -> None:
    for name in ("out.parquet", "out.csv"):
        found = predict(model, files, tmp_path / name)
        assert read(tmp_path / name) == EXPECTED
        assert (found.counts.predicted, found.counts.refused) == (6, 4)
        assert found.counts.decided == {"false": 4, "true": 2}
        assert found.counts.faults["x: expected a number from 0 to 1"] == 3
        assert found.refused == tmp_path / f"{name}.refused.csv"
        with found.refused.open(newline="") as stream:
            assert list(csv.reader(stream)) == [["file", "line", "column", "cell", "reason"], *REFUSED]
        assert not parts_folder(tmp_path / name).exists()


def test_a_folder_of_parts_with_a_column_kept(model: Path, files: list[Path], tmp_path: Path) -> None:
    predict(model, files, tmp_path / "out", keep=("id",))
    names = [f"predictions-0000{number}-of-00003.parquet" for number in range(3)]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["_refused.csv", *names]
    assert pq.read_table(tmp_path / "out").num_rows == 6  # Arrow passes over the refused rows.
    rows = [row for name in names for row in read(tmp_path / "out" / name)]
    assert [row[2] for row in rows] == ["r0", "r1", "r3", "r4", "r5", "r9"]
    with pytest.raises(BatchPredictionError, match="expected no such folder, or an empty one"):
        predict(model, files, tmp_path / "out")


def test_of_several_classes(files: list[Path], tmp_path: Path) -> None:
    model = small_model.save(tmp_path / "model", outputs=3)
    predict(model, files[:1], tmp_path / "out.csv", classes=("small", "large", "middle"), threshold=None)
    assert read(tmp_path / "out.csv")[1] == ("a.csv", 3, 0.1, 0.9, 0.6, "large", VERSION)


def test_parquet_gives_what_the_same_rows_give_as_csv(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    table = pa.table({"x": [0.0, 0.1, 2.0, 0.3, None], "word": ["w", "w", "w", None, "w"], "id": [7, 8, 9, 10, 2**62]})
    pq.write_table(table, file, row_group_size=2)
    found = predict(model, [file], tmp_path / "out.csv", keep=("id",))
    assert found.parts == 3
    assert [(row[1], row[2], row[3]) for row in read(tmp_path / "out.csv")] == [(1, 7, 0.0), (2, 8, 0.1), (4, 10, 0.0)]
    with (tmp_path / "out.csv.refused.csv").open(newline="") as stream:
        assert [row[1:4] for row in csv.reader(stream)][1:] == [["3", "x", "2.0"], ["5", "x", ""]]


def test_a_refused_file_of_before_does_not_stay(model: Path, files: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    predict(model, files, out)
    assert predict(model, files[2:], out).refused is None
    assert read(out) == EXPECTED[-1:]
    assert not out.with_name("out.csv.refused.csv").exists()


def test_a_file_that_cannot_be_read_leaves_what_was_there(model: Path, files: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    predict(model, files[2:], out)
    before = out.read_bytes()
    files[1].write_text('x,word,id\n.1,"w,r\n')
    with pytest.raises(SourceError, match=r"b\.csv, line 2: a double quote opens a cell and none closes it"):
        predict(model, files, out)
    assert out.read_bytes() == before
    files[1].write_text("x,word,id\n.4,w,r4\n")
    assert predict(model, files, out).parts == 3  # and what is mended is read again
    assert [row[2] for row in read(out)] == [0.0, 0.1, 0.0, 0.4, 0.9]


def test_a_killed_prediction_goes_on(model: Path, files: list[Path], tmp_path: Path) -> None:
    """Killed while it writes the second part, with the first one done."""
    out = tmp_path / "out.parquet"
    script = f"""
import os, signal
from pathlib import Path
from components.batch_predictor import part_files
from tests.components.batch_predictor import test_prediction

part_files.PartWriter.refuse = lambda part, file, found: file == "b.csv" and os.kill(os.getpid(), signal.SIGKILL)
test_prediction.predict(Path({str(model)!r}), [Path(path) for path in {[*map(str, files)]!r}], Path({str(out)!r}))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert not out.exists()
    parts = PartFiles(parts_folder(out))
    assert [parts.predictions(shard).exists() for shard in range(3)] == [True, False, False]
    assert list(parts.folder.glob("*.tmp"))
    first = pq.read_table(parts.predictions(0))
    found = predict(model, files, out)
    assert (found.resumed, found.parts) == (1, 3)
    assert pq.read_table(out).slice(0, 2).column(PREDICTION_TIME) == first.slice(0, 2).column(PREDICTION_TIME)
    assert read(out)[2:] == EXPECTED[2:]
    assert not parts.folder.exists()


@pytest.mark.parametrize("change", ["file", "name", "model", "settings"])
def test_parts_of_another_job_are_not_mixed(
    change: str, model: Path, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, settings = tmp_path / "out.csv", {}
    with monkeypatch.context() as patch:  # ends when all parts are there
        patch.setattr(prediction, "put_in_place", lambda *told: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            predict(model, files, out)
    if change == "file":
        files[0].write_text(files[0].read_text().replace(".1", ".2"))
    elif change == "name":
        files[0] = files[0].rename(tmp_path / "A.csv")
    elif change == "model":
        model = small_model.save(tmp_path / "model" / "8")
        (model / "assets.extra" / "schema.pbtxt").write_text(
            small_model.CONTRACT.replace("max: 1 } }", "max: 2 } }", 1)
        )
    else:
        settings = {"threshold": 0.05}
    found = predict(model, files, out, **settings)
    assert (found.resumed, found.parts) == (0, 3)
    rows = read(out)
    assert rows[1][2] == (0.2 if change == "file" else 0.1)
    assert rows[0][0] == ("A.csv" if change == "name" else "a.csv")
    assert rows[1][3] is (change == "settings")
    assert (len(rows) == 7) == (change == "model")


def test_parts_of_the_same_job_are_not_made_again(
    model: Path, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.csv"
    with monkeypatch.context() as patch:
        patch.setattr(prediction, "put_in_place", lambda *told: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            predict(model, files, out)
    monkeypatch.setattr(PredictShards, "expand", lambda *told: pytest.fail("nothing is left to predict"))
    assert predict(model, files, out).resumed == 3
    assert read(out) == EXPECTED


def test_files_that_change_meanwhile(
    model: Path, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = prediction.plan_shards

    def change_then_plan(*told: object) -> object:
        files[2].write_text(files[2].read_text().replace(".9", ".8"))
        return plan(*told)  # type: ignore[arg-type]

    before = files[2].read_text()
    with monkeypatch.context() as patch:
        patch.setattr(prediction, "plan_shards", change_then_plan)
        with pytest.raises(BatchPredictionError, match="changed while they were read"):
            predict(model, files, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()
    files[2].write_text(before)
    assert predict(model, files, tmp_path / "out.csv").resumed == 0  # its parts hold other rows
    assert read(tmp_path / "out.csv") == EXPECTED


def test_files_whose_columns_change_places_before_they_are_read(
    model: Path, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_model = prediction.RowCheck.of_model

    def change_then_check(*told: object) -> object:
        files[2].write_text("word,x,id\n.8,.9,r9\n")
        return of_model(*told)  # type: ignore[arg-type]

    monkeypatch.setattr(prediction.RowCheck, "of_model", change_then_check)
    with pytest.raises(BatchPredictionError, match="changed while they were read"):
        predict(model, files[2:], tmp_path / "out.csv")


def test_two_files_of_one_name(model: Path, tmp_path: Path) -> None:
    files = [write(tmp_path / name, "a.csv", ".1,w,r0") for name in ("x", "y") if (tmp_path / name).mkdir() is None]
    with pytest.raises(BatchPredictionError, match=r"x/a\.csv and .*y/a\.csv have the same name"):
        predict(model, files, tmp_path / "out.csv")


def test_two_at_once(model: Path, files: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    parts_folder(out).mkdir()
    with exclusive(parts_folder(out) / ".lock", "process 7"), pytest.raises(BatchPredictionError, match="process 7"):
        predict(model, files, out)


@pytest.mark.parametrize("keep", ["ids", "line"])
def test_a_column_that_cannot_be_kept(keep: str, model: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x,word,id,line\n.1,w,r,9\n")
    with pytest.raises(
        BatchPredictionError, match="did you mean 'id'" if keep == "ids" else "may have a column of its own"
    ):
        predict(model, [file], tmp_path / "out.csv", keep=(keep,))


def test_a_prediction_that_is_no_number(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RawSignature, "predict", lambda self, inputs: np.float32([[0.5], [np.nan]]))
    file = write(tmp_path, "a.csv", ".1,w,r0", ".2,w,r1")
    with pytest.raises(BatchPredictionError, match=r"a\.csv, line 3: expected the model to predict a finite number, "):
        predict(model, [file], tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_no_rows(model: Path, tmp_path: Path) -> None:
    with pytest.raises(BatchPredictionError, match="a header and no rows"):
        predict(model, [write(tmp_path, "a.csv")], tmp_path / "out.csv")


def test_an_output_in_the_place_of_the_rows(model: Path, files: list[Path]) -> None:
    before = files[0].read_text()
    with pytest.raises(BatchPredictionError, match="expected an output that replaces none of the files to predict"):
        predict(model, files, files[0])
    assert files[0].read_text() == before
