"""What a run was trained on is pinned, everything is deleted, and DVC's remote brings it back."""

import dataclasses
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from environment.dvc.__main__ import install
from pipelines.cli.app import execute
from pipelines.modeling.fitting import HISTORY_FILE
from pipelines.runs import Runs
from pipelines.runs.data_source import read_data_sources
from pipelines.runs.metadata import Metadata
from tests.runs.in_process import ingest_here, run_here
from tests.runs.project import DIABETES, Finished
from tests.tasks.diabetes import data

pytestmark = [pytest.mark.pipeline, pytest.mark.one_stack]  # what DVC keeps and brings back
STEPS = ("--train-steps", "100")
# Instead of DVC, whose every call takes a second, where all that is asked for comes before it. It ends with 0.
NO_DVC = Path("/bin/true")
TRAINED = "Trainer"  # the last node that is run: the Evaluator would take as long again, and add nothing


@dataclasses.dataclass
class Site:
    """A var folder, DVC's folder and its remote, and the rows that arrived."""

    base: Path
    dvc: Path

    @property
    def var(self) -> Path:
        return self.base / "var"

    @property
    def versions(self) -> Path:
        return self.base / "versions"

    @property
    def remote(self) -> Path:
        return self.base / "remote"

    def call(self, command: str, *options: str, dvc: Path | None = None) -> int:
        common = ["--task", DIABETES, "--var", str(self.var), "--versions", str(self.versions)]
        common += ["--dvc", str(dvc or self.dvc)]
        return execute([command, *common, *options])

    def delete_all(self) -> None:
        """Leaves the remote, the .dvc files, which are committed, and the records of the runs."""
        kept = self.base / "kept"
        for record in self.var.glob("runs/2*/summary.json"):
            (kept / record.parent.name).mkdir(parents=True)
            shutil.copy(record, kept / record.parent.name)
        for gone in (self.var, self.base / "arrived", self.base / "one", self.versions / ".dvc" / "cache"):
            shutil.rmtree(gone)
        shutil.rmtree(self.versions / ".dvc" / "tmp")
        self.var.mkdir()
        kept.rename(self.var / "runs")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trained:
    """A model, as its training left it."""

    losses: dict[str, list[float]]  # by name, a value for each epoch
    weights: dict[str, np.ndarray]

    @classmethod
    def of(cls, run: Finished) -> "Trained":
        outputs = next(node["outputs"] for node in run.summary["nodes"] if node["id"] == TRAINED)
        losses = json.loads((Path(outputs["model_run"]["uri"]) / HISTORY_FILE).read_text())
        (variables,) = Path(outputs["model"]["uri"]).rglob("variables.index")
        reader = tf.train.load_checkpoint(str(variables.with_suffix("")))
        kinds = reader.get_variable_to_dtype_map()
        names = [name for name in reader.get_variable_to_shape_map() if kinds[name].is_floating]
        return cls(losses=losses, weights={name: np.asarray(reader.get_tensor(name)) for name in names})


@dataclasses.dataclass(frozen=True, kw_only=True)
class History:
    """What happened, in this order."""

    site: Site
    over_spans: Finished  # before everything was deleted
    over_a_file: Finished
    file: bytes
    pinned: Sequence[str]  # lines of the terminal
    pinned_again: Sequence[str]
    restored: Sequence[str]
    over_restored_spans: Finished
    model: Trained  # of the run over spans
    restored_model: Trained  # of the run over restored spans
    status: Sequence[int]  # of the commands


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    site = Site(tmp_path_factory.mktemp("versions"), install())
    head, *rows = (data.prepare(site.base / "one") / "patients.csv").read_text().splitlines(keepends=True)
    (site.base / "arrived" / "2020Q2").mkdir(parents=True)
    (site.base / "arrived" / "seen-2020Q1.csv").write_text(head + "".join(rows[0::2]))
    for name, part in (("x.csv", rows[1::4]), ("y.csv", rows[3::4])):
        (site.base / "arrived" / "2020Q2" / name).write_text(head + "".join(part))
    ingested = ingest_here(site.var, site.base / "arrived", task=DIABETES)
    over_spans = run_here(site.var, "--spans", "all", *STEPS, upto=TRAINED)
    model = Trained.of(over_spans)
    over_a_file = run_here(site.var, "--data", str(site.base / "one" / "patients.csv"), upto="ExampleGen")
    file = (site.base / "one" / "patients.csv").read_bytes()
    status = [ingested.status]

    def call(command: str, *options: str, dvc: Path | None = None) -> list[str]:
        with pytest.MonkeyPatch.context() as patch:
            said: list[str] = []
            patch.setattr("builtins.print", lambda *words, **_: said.append(" ".join(map(str, words))))
            status.append(site.call(command, *options, dvc=dvc))
        return "\n".join(said).splitlines()

    pinned = call("data-pin", "--remote", str(site.remote))
    pinned_again = call("data-pin", dvc=NO_DVC)
    site.delete_all()
    restored = call("data-restore", "--run", over_spans.summary["run_id"])
    call("data-restore", "--run", over_a_file.summary["run_id"], "--out", str(site.base / "back"))
    source = site.var / "data" / "restored" / over_spans.summary["run_id"]
    status.append(ingest_here(site.var, source, task=DIABETES).status)
    over_restored_spans = run_here(site.var, "--spans", "2020Q1..2020Q2", *STEPS, upto=TRAINED)
    return History(
        site=site,
        over_spans=over_spans,
        over_a_file=over_a_file,
        file=file,
        pinned=pinned,
        pinned_again=pinned_again,
        restored=restored,
        over_restored_spans=over_restored_spans,
        model=model,
        restored_model=Trained.of(over_restored_spans),
        status=status,
    )


def test_every_command_ends_well(history: History) -> None:
    assert history.status == [0] * 6


def test_what_was_read_is_pinned_once(history: History) -> None:
    assert [line.split()[0] for line in history.pinned] == ["pinned"] * 3 + ["3"]
    assert history.pinned[-1].endswith("all pushed; commit the .dvc files")
    assert history.pinned_again[-1].startswith("0 new in ")


def test_only_the_dvc_files_are_left_beside_dvc_itself(history: History) -> None:
    """They are committed; data beside them would be, too."""
    versions = history.site.versions
    found = {path.name for path in versions.glob("diabetes/**/*") if path.is_file()}
    assert found == {"seen-2020Q1.csv.dvc", "x.csv.dvc", "y.csv.dvc", "patients.csv.dvc"}


def test_the_restored_rows_have_the_digests_of_the_record(history: History) -> None:
    then, now = (run.summary["spans"] for run in (history.over_spans, history.over_restored_spans))
    assert [span["span"] for span in then] == ["2020Q1", "2020Q2"]
    assert all(len(span["fingerprint"].partition("blake2b:")[2]) == 64 for span in then)
    assert [span["fingerprint"] for span in then] == [span["fingerprint"] for span in now]


def test_the_model_of_the_restored_rows_is_the_same(history: History) -> None:
    """To the last bit: the losses of all epochs, and every weight."""
    assert "Trainer" in history.over_restored_spans.ran
    then, now = history.model, history.restored_model
    assert len(then.losses["val_loss"]) > 1
    assert now.losses == then.losses
    assert sum(weights.size for weights in then.weights.values()) > 100
    assert now.weights.keys() == then.weights.keys()
    for name, weights in then.weights.items():
        np.testing.assert_array_equal(now.weights[name], weights)


def test_the_restore_says_what_to_run_next(history: History) -> None:
    assert history.restored[-1].startswith("python -m pipelines run ")
    assert history.restored[-1].endswith(" --spans 2020Q1..2020Q2")


def test_the_file_of_a_run_over_a_file_comes_back_under_its_name(history: History) -> None:
    assert (history.site.base / "back" / "patients.csv").read_bytes() == history.file
    metadata = Metadata(history.site.var / "metadata.sqlite")
    assert all(source.unchanged for source in read_data_sources(metadata))


def test_the_record_of_a_run_over_a_file_says_which_version_it_read(history: History) -> None:
    fingerprint = history.over_a_file.summary["data_fingerprint"]
    assert fingerprint.startswith(f"split:single_split,num_files:1,total_bytes:{len(history.file)},blake2b:")
    assert history.over_spans.summary["data_fingerprint"] == ""
    run = Runs(history.site.var).open(history.over_a_file.summary["run_id"])
    assert run.summary["data_fingerprint"] == fingerprint


def test_data_that_the_remote_lost_are_an_error_and_nothing_is_left(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    site, out = history.site, history.site.base / "out"
    shutil.rmtree(site.versions / ".dvc" / "cache")
    shutil.rmtree(site.remote)
    assert site.call("data-restore", "--run", history.over_a_file.summary["run_id"], "--out", str(out)) == 1
    assert "error: `dvc pull" in capsys.readouterr().err
    assert not out.exists()
    # `dvc push` itself ends with 0 here.
    assert site.call("data-pin") == 1
    assert "error: the remote lacks diabetes/" in capsys.readouterr().err


def test_rows_that_were_changed_before_they_were_pinned_are_told(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    site = history.site
    restored = site.var / "data" / "restored" / history.over_spans.summary["run_id"] / "2020Q1.csv"
    restored.write_text(restored.read_text() + restored.read_text().splitlines(keepends=True)[-1])
    shutil.rmtree(site.versions / "diabetes")
    assert site.call("data-pin", "--run", history.over_restored_spans.summary["run_id"], dvc=NO_DVC) == 1
    said = capsys.readouterr()
    assert f"not there any more {restored}" in said.out
    assert f"pinned             {restored.with_name('2020Q2')}" in said.out
    assert "error: 2020Q1 of run" in said.err
