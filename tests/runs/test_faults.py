"""A disk that cannot be written or is full, a damaged artifact, code that cannot be imported."""

import gzip
import os
from pathlib import Path

import pytest

from tests.runs.project import Finished, Project, files

pytestmark = [pytest.mark.pipeline, pytest.mark.one_stack]

# Starts the command line with a limit on the size of any file: from there on the disk is full, whoever writes.
LIMITED = (
    "import resource, runpy, sys;"
    "limit = int(sys.argv.pop(1)); resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit));"
    "runpy.run_module('pipelines.runner', run_name='__main__')"
)


@pytest.mark.parametrize("below", ["", "below"])
def test_a_var_that_cannot_be_a_folder(tmp_path: Path, project: Project, below: str) -> None:
    (tmp_path / "file").touch()
    run = project.run("--var", str(tmp_path / "file" / below))
    assert run.status == 1
    assert run.terminal == ""
    assert run.stderr.startswith(f"error: cannot write below {tmp_path / 'file' / below}: [Errno ")
    assert run.stderr.endswith("; free or unlock it, or choose another folder with --var\n")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("runs", "cannot write below"),
        ("contracts", "cannot write below"),
        ("artifacts", "ExampleGen: "),
        ("serving/diabetes", "Pusher: the model was not pushed to"),
    ],
)
def test_a_folder_below_var_that_cannot_be_written(project: Project, path: str, said: str) -> None:
    blocked = project.var / path
    blocked.rename(project.root / "elsewhere")
    blocked.touch()
    run = project.run("--force") if path == "artifacts" else project.run()
    assert run.status == 1, run.told()
    assert said in run.terminal + run.stderr
    assert path in run.terminal + run.stderr


@pytest.mark.parametrize("limit", [0, 1_000, 4_096, 100_000])
def test_a_full_disk(project: Project, limit: int) -> None:
    _full_disk(project, limit)


def test_a_disk_that_fills_up_while_the_model_is_written(project: Project) -> None:
    (version,) = (project.var / "serving" / "diabetes").iterdir()
    run = _full_disk(project, (version / "saved_model.pb").stat().st_size * 9 // 10)
    assert run.states["Trainer"] == "failed"


def test_after_a_full_disk_the_next_run_goes_on(project: Project) -> None:
    project.edit("components/csv_example_gen/executor.py")
    full = project.run(module=("-c", LIMITED, "100000"))
    assert full.status == 1, full.told()
    run = project.run_until("StatisticsGen")
    assert run.ran == {"ExampleGen", "StatisticsGen"}


def _full_disk(project: Project, limit: int) -> Finished:
    before = files(project.var / "serving")
    project.edit("tests/tasks/diabetes/trainer.py", "Dense(16", "Dense(17")
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

    noticed = project.run()
    assert noticed.status == 1, noticed.told()
    assert noticed.states["ExampleGen"] == "failed"
    assert f"the stored Examples at {examples.parents[1]} is not what was written there" in noticed.summary["error"]
    assert "run again to make it anew" in noticed.terminal
    assert files(project.var / "serving") == before

    repaired = project.run_until("StatisticsGen")
    assert repaired.ran == {"ExampleGen", "StatisticsGen"}
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
    assert files(project.var / "serving") == before
