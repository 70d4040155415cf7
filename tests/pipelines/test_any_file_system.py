"""The pipeline's components on a file system that is no disk of this machine: `ram://`, from ExampleGen to Pusher.

TensorFlow serves `ram://`, TFX's fileio hands what it does not know on to TensorFlow, and tests.ram_file_system serves
the same files to Beam. What takes a URI for a path finds nothing there, or leaves a folder `ram:` in the working
folder, which the fixture `ram` notices. Nodes run in this process, as TFX's own LocalDagRunner runs them, since no
other process sees these files. Our runner, whose nodes are processes, keeps artifacts on this machine
(docs/decisions/0060-any-file-system.md).
"""

import dataclasses
import json
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
from tests.pipelines.task_definition.test_scoping import MINIMAL
from tests.tasks.diabetes.task import TASK

COMPARED = dataclasses.replace(
    TASK,
    comparison=Comparison(metric="MeanSquaredError", not_worse_than=1e6, not_worse_than_best=1e6, reason="any will do"),
)
Made = dict[str, list[metadata_store_pb2.Artifact]]  # type -> artifacts, the oldest first


def run(var: Path, root: str, task: Task = COMPARED, **options: Any) -> Made:
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


def versions(var: Path) -> list[Path]:
    return sorted((var / "serving" / TASK.name).iterdir())


def test_a_run_whose_artifacts_are_on_no_disk(tmp_path: Path, ram: str) -> None:
    made = run(tmp_path / "var", ram, train_steps=20)
    assert all(one.uri.startswith(f"{ram}/artifacts/") for artifacts in made.values() for one in artifacts)

    (accepted,), (statistics,) = made["DataBlessing"], made["ExampleStatistics"]
    assert accepted.custom_properties["statistics_uri"].string_value == statistics.uri
    (infra,), (model,) = made["InfraBlessing"], made["Model"]
    report = json.loads(read_text(f"{infra.uri}/report.json"))
    assert (report["blessed"], report["differences"], report["reasons"]) == (True, 0, [])
    assert fileio.exists(f"{infra.uri}/INFRA_BLESSED")
    assert not fileio.exists(f"{infra.uri}/probe")
    assert infra.custom_properties["model_uri"].string_value == model.uri
    assert json.loads(read_text(f"{made['ModelComparison'][0].uri}/report.json"))["outcome"] == "first"

    (version,), (pushed,) = versions(tmp_path / "var"), made["PushedModel"]
    assert pushed.custom_properties["pushed_version"].string_value == version.name
    assert (version / "assets.extra" / "tf_serving_warmup_requests").stat().st_size > 0
    with local_copy(pushed.uri) as archive:
        assert same_files(archive, version)


@pytest.mark.slow
def test_runs_compare_with_what_an_earlier_one_left_on_no_disk(tmp_path: Path, ram: str) -> None:
    agreed = tmp_path / "scoping.toml"
    agreed.write_text(
        f'{MINIMAL}\n[fairness]\ncolumns = ["sex"]\nreason = "asked"\nmax_gap = 1e6\nmeasures = ["mean error"]\n'
    )
    var, scoped = tmp_path / "var", dataclasses.replace(COMPARED, scoping=agreed)
    run(var, ram, scoped, train_steps=20)
    made = run(var, ram, scoped, train_steps=25)
    assert len(versions(var)) == 2
    first, second = (json.loads(read_text(f"{one.uri}/report.json")) for one in made["ModelComparison"])
    assert (first["outcome"], second["looked_at"], second["same_rows"]) == ("first", 1, True)
    blessing = made["ModelBlessing"][-1]
    assert blessing.custom_properties["baseline_model"].string_value == made["Model"][0].uri
    assert json.loads(read_text(f"{blessing.uri}/fairness.json"))["passed"]
