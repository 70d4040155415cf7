"""Transform itself, on Examples of several files: what it writes of a row says which raw row that was."""

from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.util import examples_utils
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact
from tfx.utils import io_utils

from components.keyed_transform.executor import Executor
from components.row_keys import ROW_KEY, make_row_keys, read_row_keys
from pipelines.engines.local import LocalEngine
from tests import handmade

pytestmark = pytest.mark.slow

RAW = list(map(handmade.to_example, handmade.ROWS))
preprocessing_fn = handmade.Features()  # Transform imports it by name


def make_artifact(kind: type[Artifact], folder: Path) -> Artifact:
    artifact = kind()
    artifact.uri = str(folder)
    folder.mkdir(parents=True)
    return artifact


def make_examples(folder: Path, file_format: str = "tfrecords_gzip") -> Artifact:
    """The hand-made trips in three files, and the first nine of them once more as eval."""
    examples = make_artifact(standard_artifacts.Examples, folder)
    examples.split_names = artifact_utils.encode_split_names(["train", "eval"])
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    examples_utils.set_file_format(examples, file_format)
    for split, parts in (("train", (RAW[:50], RAW[50:60], RAW[60:])), ("eval", (RAW[:9],))):
        (folder / f"Split-{split}").mkdir()
        for number, part in enumerate(parts):
            handmade.write_records(folder / f"Split-{split}" / f"data_tfrecord-{number:05d}-of-00003.gz", part)
    return examples


def transform(folder: Path, examples: Artifact) -> tuple[Path, Path]:
    """Runs the executor; returns the folders of the graph and of the transformed Examples."""
    schema = make_artifact(standard_artifacts.Schema, folder / "schema")
    io_utils.write_pbtxt_file(f"{schema.uri}/schema.pbtxt", handmade.CONTRACT)
    graph = make_artifact(standard_artifacts.TransformGraph, folder / "graph")
    transformed = make_artifact(standard_artifacts.Examples, folder / "transformed")
    executor = Executor(BaseBeamExecutor.Context(beam_pipeline_args=list(LocalEngine().beam_args())))
    executor.Do(
        {"examples": [examples], "schema": [schema]},
        {"transform_graph": [graph], "transformed_examples": [transformed]},
        {
            "preprocessing_fn": f"{__name__}.preprocessing_fn",
            "disable_statistics": 1,
            "custom_config": "null",
            "force_tf_compat_v1": 0,
        },
    )
    return folder / "graph", folder / "transformed"


def read_rows(folder: Path) -> list[bytes]:
    return [record for file in sorted(folder.glob("*.gz")) for record in handmade.read_records(str(file))]


def test_each_row_has_the_key_of_its_raw_row(tmp_path: Path, handmade_transform: tuple[str, str]) -> None:
    graph, transformed = transform(tmp_path, make_examples(tmp_path / "raw"))
    found = read_rows(transformed / "Split-train")
    assert sorted(read_row_keys(found)) == sorted(make_row_keys(RAW))
    assert sorted(read_row_keys(read_rows(transformed / "Split-eval"))) == sorted(make_row_keys(RAW[:9]))

    expected = handmade.read_records(handmade_transform[1])
    by_key = dict(zip(read_row_keys(expected), map(features, expected), strict=True))
    for record, key in zip(found, read_row_keys(found), strict=True):
        assert features(record) == by_key[key], "what a row was made of, wherever it stands"
    assert ROW_KEY not in tft.TFTransformOutput(str(graph)).transformed_feature_spec()


def features(record: bytes) -> dict[str, list[object]]:
    """Values by name, floats but for the last bits: moments are sums, in another order over other files."""
    found = tf.train.Example.FromString(record).features.feature
    return {
        name: [round(value, 4) for value in feature.float_list.value]
        or list(feature.int64_list.value or feature.bytes_list.value)
        for name, feature in found.items()
    }


def test_examples_of_another_format(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected tfrecords_gzip of FORMAT_TF_EXAMPLE, received parquet of "):
        transform(tmp_path, make_examples(tmp_path / "raw", "parquet"))
