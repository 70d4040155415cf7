"""The node in a pipeline that TFX runs: typed output, lineage, and a cache that knows the content of the files."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from ml_metadata.metadata_store import MetadataStore
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.types.standard_artifacts import PushedModel
from tfx.utils import io_utils

from components.artifact_files import local_copy, read_text
from components.artifacts import Predictions
from components.batch_predictor.component import BatchPredictor
from components.batch_predictor.errors import BatchPredictionError
from pipelines.engines.local import LocalEngine

pytestmark = pytest.mark.slow


def run(folder: Path, model: Path | str, version: str = "7", root: str = "") -> list[str]:
    """Runs the pipeline, and returns the files of predictions, the oldest first."""
    importer = Importer(
        source_uri=str(model), artifact_type=PushedModel, custom_properties={"pushed_version": version}
    ).with_id("Pushed")
    predictor = BatchPredictor(importer.outputs["result"], str(folder / "rows"), threshold=0.5, keep=["id"])
    metadata = sqlite_metadata_connection_config(str(folder / "metadata.sqlite"))
    LocalDagRunner().run(
        Pipeline(
            pipeline_name="predictions",
            pipeline_root=root or str(folder / "artifacts"),
            components=[importer, predictor],
            enable_cache=True,
            metadata_connection_config=metadata,
            beam_pipeline_args=list(LocalEngine().beam_args()),
        )
    )
    found = MetadataStore(metadata).get_artifacts_by_type(Predictions.TYPE_NAME)
    properties = found[-1].custom_properties
    assert (properties["predicted"].int_value, properties["refused"].int_value) == (2, 1)
    assert properties["model_version"].string_value == "7"
    return [f"{artifact.uri}/predictions.parquet" for artifact in found]


def test_a_node(model: Path, tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    rows = tmp_path / "rows" / "a.csv"
    rows.write_text("x,word,id\n.1,w,r0\n2,w,r1\n.7,w,r2\n")
    (made,) = run(tmp_path, model)
    assert pq.read_table(made).select(["id", "decision"]).to_pylist() == [
        {"id": "r0", "decision": False},
        {"id": "r2", "decision": True},
    ]
    assert read_text(f"{made}.refused.csv").splitlines()[1].startswith("a.csv,3,x,2,")
    assert run(tmp_path, model) == [made]  # from the cache
    rows.write_text(rows.read_text().replace(".1", ".6"))
    again = run(tmp_path, model)
    assert len(again) == 2
    assert pq.read_table(again[1]).column("decision").to_pylist() == [True, True]
    rows.rename(rows.with_name("b.csv"))
    assert pq.read_table(run(tmp_path, model)[2]).column("file").to_pylist() == ["b.csv", "b.csv"]


def test_a_model_and_predictions_that_are_on_no_disk(model: Path, tmp_path: Path, ram: str) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "a.csv").write_text("x,word,id\n.1,w,r0\n2,w,r1\n.7,w,r2\n")
    io_utils.copy_dir(str(model), f"{ram}/model")
    (made,) = run(tmp_path, f"{ram}/model", root=f"{ram}/artifacts")
    with local_copy(made) as file:
        assert pq.read_table(file).column("decision").to_pylist() == [False, True]
    assert read_text(f"{made}.refused.csv").splitlines()[1].startswith("a.csv,3,x,2,")


def test_a_model_that_was_not_pushed(model: Path, tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "a.csv").write_text("x,word,id\n.1,w,r0\n")
    with pytest.raises(BatchPredictionError, match="was not pushed"):
        run(tmp_path, model, version="")
