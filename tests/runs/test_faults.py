"""A disk that cannot be written or is full, a damaged artifact, code that cannot be imported."""

import gzip
import os
from pathlib import Path

import pytest

from tests.runs.conftest import History
from tests.runs.in_process import run_here
from tests.runs.project import COMMAND, Finished, Project, files

pytestmark = [pytest.mark.pipeline, pytest.mark.one_stack]

# Starts the command line with a limit on the size of any file: from there on the disk is full, whoever writes.
LIMITED = (
    "import resource, runpy, sys;"
    "limit = int(sys.argv.pop(1)); resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit));"
    f"sys.argv[1:1] = {COMMAND[2:]}; runpy.run_module({COMMAND[1]!r}, run_name='__main__', alter_sys=True)"
)


@pytest.mark.parametrize("below", ["", "below"])
def test_a_var_that_cannot_be_a_folder(tmp_path: Path, capfd: pytest.CaptureFixture[str], below: str) -> None:
    (tmp_path / "file").touch()
    assert run_here(tmp_path / "file" / below).status == 1
    out, error = capfd.readouterr()
    assert out == ""
    assert error.startswith(f"error: cannot write below {tmp_path / 'file' / below}: [Errno ")
    assert error.endswith("; free or unlock it, or choose another folder with --var\n")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("runs", "cannot write below"),
        ("contracts", "cannot write below"),
        ("artifacts", "ExampleGen: "),
        ("serving/diabetes", "Pusher: the model was not pushed to"),
    ],
)
def test_a_folder_below_var_that_cannot_be_written(
    project: Project, tmp_path: Path, capfd: pytest.CaptureFixture[str], path: str, said: str
) -> None:
    blocked = project.var / path
    blocked.rename(tmp_path / "elsewhere")
    blocked.touch()
    run = run_here(project.var, *(["--force"] if path == "artifacts" else []))
    assert run.status == 1, run.told()
    told = run.terminal or capfd.readouterr().err
    assert said in told
    assert path in told


@pytest.mark.parametrize("limit", [0, 1_000, 4_096])
def test_a_full_disk(project: Project, limit: int) -> None:
    _full_disk(project, limit)


def test_a_disk_that_fills_up_while_the_model_is_written(project: Project) -> None:
    # Room for everything that a run writes but for the weights of a model as wide as that, 0.9 MB.
    run = _full_disk(project, 2 * (project.var / "metadata.sqlite").stat().st_size, units=20_000)
    assert run.states["Trainer"] == "failed"


def test_after_a_full_disk_the_next_run_goes_on(history: History, tmp_path: Path) -> None:
    full = history.project.run("--var", str(tmp_path), module=("-c", LIMITED, "100000"))
    assert full.status == 1, full.told()
    assert f"cannot write below {tmp_path}" in full.terminal
    run = run_here(tmp_path, upto="ImportSchemaGen")
    assert run.states == dict.fromkeys(("ExampleGen", "ImportSchemaGen"), "ran"), run.told()


def _full_disk(project: Project, limit: int, units: int = 17) -> Finished:
    before = files(project.var / "serving")
    project.edit("tests/tasks/diabetes/trainer.py", "Dense(16", f"Dense({units}")
    run = project.run(module=("-c", LIMITED, str(limit)))
    assert run.status == 1, run.told()
    assert f"cannot write below {project.var}" in run.terminal + run.stderr
    assert "free or unlock it" in run.terminal + run.stderr
    assert files(project.var / "serving") == before
    return run


def test_a_truncated_artifact_in_the_cache_is_noticed_and_made_anew(project: Project) -> None:
    (examples,) = (project.var / "artifacts" / "diabetes" / "ExampleGen" / "examples").glob("*/Split-eval/*.gz")
    whole = gzip.decompress(examples.read_bytes())
    os.truncate(examples, examples.stat().st_size // 2)
    before = files(project.var / "serving")

    noticed = run_here(project.var)
    assert noticed.status == 1, noticed.told()
    assert noticed.states["ExampleGen"] == "failed"
    assert set(noticed.states.values()) == {"failed", "skipped"}
    assert f"the stored Examples at {examples.parents[1]} is not what was written there" in noticed.summary["error"]
    assert "run again to make a new one" in noticed.terminal
    assert files(project.var / "serving") == before

    repaired = run_here(project.var, upto="ImportSchemaGen")
    assert (repaired.ran, repaired.cached) == ({"ExampleGen"}, {"ImportSchemaGen"})
    (node,) = (node for node in repaired.summary["nodes"] if node["id"] == "ExampleGen")
    (again,) = Path(node["outputs"]["examples"]["uri"]).glob("Split-eval/*.gz")
    assert again != examples
    assert gzip.decompress(again.read_bytes()) == whole


@pytest.mark.parametrize(
    ("path", "old"),
    [
        ("components/anomaly_gate/component.py", "\nimport tensorflow_data_validation as tfdv\n"),
        ("tests/tasks/diabetes/preprocessing.py", "\nimport tensorflow as tf\n"),
    ],
)
def test_an_import_that_fails(project: Project, path: str, old: str) -> None:
    project.edit(path, old, f"{old}import no_such_package\n")
    before = files(project.var / "serving")
    run = project.run()
    assert run.status == 1, run.told()
    line = (project.root / path).read_text().splitlines().index("import no_such_package") + 1
    said = f"ModuleNotFoundError: No module named 'no_such_package' ({path}, line {line})"
    assert said in run.terminal
    assert run.summary["error"] == said
    assert (run.summary["status"], run.summary["nodes"]) == ("failed", [])
    log = (project.var / "runs" / "latest" / "run.log").read_text()
    assert "Traceback" in log
    assert "No module named 'no_such_package'" in log
    assert files(project.var / "serving") == before
