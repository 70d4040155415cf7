"""The pipeline's components on a file system that is no disk of this machine: `ram://`, from ExampleGen to Pusher.

TensorFlow serves `ram://`, TFX's fileio hands what it does not know on to TensorFlow, and tests.ram_file_system serves
the same files to Beam. What takes a URI for a path finds nothing there, or leaves a folder `ram:` in the working
folder, which `ram_file_system.enter` notices. Nodes run in this process, as TFX's own LocalDagRunner runs them: no
other process sees these files. Our runner, whose nodes are processes, keeps artifacts on this machine
(docs/decisions/0060-any-file-system.md).
"""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.io import fileio
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.utils import io_utils

from components.artifact_files import local_copy, read_text
from components.pusher.versions import same_files
from pipelines.metadata_database import connect
from pipelines.options import RunOptions
from pipelines.resolution import resolve
from pipelines.task_definition.scoping import Comparison
from pipelines.task_definition.task import Task
from pipelines.training import create_pipeline
from tests import ram_file_system
from tests.pipelines.task_definition.test_scoping import MINIMAL
from tests.tasks.diabetes.task import TASK

COMPARED = dataclasses.replace(
    TASK,
    comparison=Comparison(metric="MeanSquaredError", not_worse_than=1e6, not_worse_than_best=1e6, reason="any will do"),
)
Made = dict[str, list[metadata_store_pb2.Artifact]]  # type -> artifacts, the oldest first


def run(var: Path, root: str, task: Task, **options: Any) -> Made:
    """Runs the task; rows and artifacts are below `root`, ML Metadata and pushed versions below `var`."""
    config = resolve(RunOptions(var=var, push_ties=True, **options), task)
    assert config.csv is not None
    io_utils.copy_dir(config.csv.folder, f"{root}/rows")
    pipeline = create_pipeline(dataclasses.replace(config, csv=dataclasses.replace(config.csv, folder=f"{root}/rows")))
    pipeline.pipeline_info.pipeline_root = f"{root}/artifacts"
    LocalDagRunner().run(pipeline)
    made: Made = {}
    for artifact in sorted(MetadataStore(connect(config.metadata)).get_artifacts(), key=lambda one: one.id):
        made.setdefault(artifact.type, []).append(artifact)
    return made


@dataclasses.dataclass(frozen=True, kw_only=True)
class FirstRun:
    """A run of a task that agreed on a comparison with earlier models, and on a gap between groups."""

    task: Task
    var: Path
    root: str  # of `ram://`
    made: Made

    def versions(self) -> list[Path]:
        """The pushed versions, the oldest first."""
        return sorted((self.var / "serving" / self.task.name).iterdir())


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirstRun]:
    folder = tmp_path_factory.mktemp("first")
    agreed = folder / "scoping.toml"
    agreed.write_text(
        f'{MINIMAL}\n[fairness]\ncolumns = ["sex"]\nreason = "asked"\nmax_gap = 1e6\nmeasures = ["mean error"]\n'
    )
    task = dataclasses.replace(COMPARED, scoping=agreed)
    with ram_file_system.enter(folder / "working") as root:
        made = run(folder / "var", root, task, train_steps=20)
        yield FirstRun(task=task, var=folder / "var", root=root, made=made)


def test_a_run_whose_artifacts_are_on_no_disk(first: FirstRun) -> None:
    made = first.made
    assert all(one.uri.startswith(f"{first.root}/artifacts/") for artifacts in made.values() for one in artifacts)

    (accepted,), (statistics,) = made["DataBlessing"], made["ExampleStatistics"]
    assert accepted.custom_properties["statistics_uri"].string_value == statistics.uri
    (infra,), (model,) = made["InfraBlessing"], made["Model"]
    report = json.loads(read_text(f"{infra.uri}/report.json"))
    assert (report["blessed"], report["differences"], report["reasons"]) == (True, 0, [])
    assert fileio.exists(f"{infra.uri}/INFRA_BLESSED")
    assert not fileio.exists(f"{infra.uri}/probe")
    assert infra.custom_properties["model_uri"].string_value == model.uri
    assert json.loads(read_text(f"{made['ModelComparison'][0].uri}/report.json"))["outcome"] == "first"
    assert json.loads(read_text(f"{made['ModelBlessing'][0].uri}/fairness.json"))["passed"]

    version, (pushed,) = first.versions()[0], made["PushedModel"]
    assert pushed.custom_properties["pushed_version"].string_value == version.name
    assert (version / "assets.extra" / "tf_serving_warmup_requests").stat().st_size > 0
    with local_copy(pushed.uri) as archive:
        assert same_files(archive, version)


@pytest.mark.slow
def test_a_run_compares_with_what_an_earlier_one_left_on_no_disk(first: FirstRun) -> None:
    made = run(first.var, first.root, first.task, train_steps=25)
    assert len(first.versions()) == 2
    report = json.loads(read_text(f"{made['ModelComparison'][-1].uri}/report.json"))
    assert (report["looked_at"], report["same_rows"]) == (1, True)
    blessing = made["ModelBlessing"][-1]
    assert blessing.custom_properties["baseline_model"].string_value == made["Model"][0].uri
