"""StatisticsGen itself, beside TFX's own: the same statistics of the same rows, read otherwise."""

from pathlib import Path
from typing import Any

import pytest
import tensorflow_data_validation as tfdv
from google.protobuf.json_format import MessageToDict
from tfx.components.statistics_gen import executor as tfx_executor
from tfx.components.util import examples_utils, tfxio_utils
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import io_utils

from components.statistics_gen import executor
from pipelines.engines.local import LocalEngine
from tests import handmade

pytestmark = pytest.mark.slow

RAW = list(map(handmade.to_example, handmade.ROWS))


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, list[Any]]:
    """The hand-made trips in two files, and the first nine of them once more as eval; and their contract."""
    examples, schema = standard_artifacts.Examples(), standard_artifacts.Schema()
    examples.uri, schema.uri = str(tmp_path / "examples"), str(tmp_path / "schema")
    examples.split_names = artifact_utils.encode_split_names(["train", "eval"])
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    examples_utils.set_file_format(examples, "tfrecords_gzip")
    for split, parts in (("train", (RAW[:50], RAW[50:])), ("eval", (RAW[:9],))):
        folder = tmp_path / "examples" / f"Split-{split}"
        folder.mkdir(parents=True)
        for number, part in enumerate(parts):
            handmade.write_records(folder / f"data_tfrecord-{number:05d}-of-00002.gz", part)
    io_utils.write_pbtxt_file(f"{schema.uri}/schema.pbtxt", handmade.CONTRACT)
    return {"examples": [examples], "schema": [schema]}


def compute(kind: type[tfx_executor.Executor], inputs: dict[str, list[Any]], folder: Path) -> dict[str, Any]:
    """Statistics by split."""
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri = str(folder)
    context = BaseBeamExecutor.Context(beam_pipeline_args=list(LocalEngine().beam_args()))
    kind(context).Do(inputs, {"statistics": [statistics]}, {})
    return {
        split: MessageToDict(tfdv.load_stats_binary(f"{folder}/Split-{split}/FeatureStats.pb"))
        for split in ("train", "eval")
    }


def test_statistics_are_those_of_tfx(inputs: dict[str, list[Any]], tmp_path: Path) -> None:
    ours, theirs = (
        compute(kind, inputs, tmp_path / kind.__module__) for kind in (executor.Executor, tfx_executor.Executor)
    )
    assert ours["train"]["datasets"][0]["numExamples"] == str(len(RAW))
    for split in ("train", "eval"):
        assert by_name(ours[split]) == by_name(theirs[split])


def by_name(statistics: dict[str, Any]) -> dict[str, Any]:
    """Statistics of each column; floats but for the last bits, which depend on the order of sums."""
    (dataset,) = statistics["datasets"]
    return {feature["path"]["step"][0]: round_floats(feature) for feature in dataset["features"]}


def round_floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: round_floats(one) for key, one in value.items()}
    if isinstance(value, list):
        return [round_floats(one) for one in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def test_our_reader_is_used(inputs: dict[str, list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("the reader was asked")

    monkeypatch.setattr(executor, "read_batches", refuse)
    with pytest.raises(AssertionError, match="the reader was asked"):
        compute(executor.Executor, inputs, tmp_path / "statistics")


def test_another_format_is_read_by_tfx(inputs: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    (examples,) = inputs["examples"]
    examples_utils.set_file_format(examples, "parquet")
    monkeypatch.setattr(tfxio_utils, "get_split_tfxio", lambda **asked: asked["split"])
    assert executor._get_split_reader([examples], "train", ["StatisticsGen"], None) == "train"
