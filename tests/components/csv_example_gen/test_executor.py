"""The CSV reader under a contract, run as TFX runs it, and beside CsvExampleGen's own executor."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import tensorflow as tf
from tfx.components.example_gen import utils
from tfx.components.example_gen.base_example_gen_executor import BaseExampleGenExecutor
from tfx.components.example_gen.csv_example_gen.executor import Executor as CsvExampleGenExecutor
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from components.csv_example_gen.csv_files import SourceError
from components.csv_example_gen.executor import Executor, column_types
from data import taxi

pytestmark = pytest.mark.slow

CONTRACT = str(Path(taxi.__file__).parent / "schema" / "taxi.pbtxt")
# The last flag keeps TFX from packing itself into an archive for remote workers, which takes a second.
BEAM_ARGS = ["--direct_running_mode=in_memory", "--sdk_container_image=unused"]

Run = Callable[..., dict[str, list[tf.train.Example]]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs an executor over a folder and returns the examples of each split, in the order of the files."""

    def run(
        folder: Path,
        executor: type[BaseExampleGenExecutor] = Executor,
        contract: str | None = CONTRACT,
        pattern: str = "*.csv",
        out: str = "out",
    ) -> dict[str, list[tf.train.Example]]:
        artifact = standard_artifacts.Examples()
        artifact.uri = str(tmp_path / out)
        source = example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name="all", pattern=pattern)])
        properties: dict[str, Any] = {
            "input_base": str(folder),
            "input_config": proto_utils.proto_to_json(source),
            "output_config": proto_utils.proto_to_json(utils.make_default_output_config(source)),
            "output_data_format": example_gen_pb2.FORMAT_TF_EXAMPLE,
            "output_file_format": example_gen_pb2.FORMAT_TFRECORDS_GZIP,
            "custom_config": proto_utils.proto_to_json(column_types(contract)) if contract else None,
        }
        context = BaseBeamExecutor.Context(beam_pipeline_args=BEAM_ARGS, tmp_dir=str(tmp_path / "tmp"))
        executor(context).Do({}, {"examples": [artifact]}, properties)
        assert artifact_utils.decode_split_names(artifact.split_names) == ["train", "eval"]
        return {
            split: [tf.train.Example.FromString(record) for record in records(Path(artifact.uri) / f"Split-{split}")]
            for split in ("train", "eval")
        }

    return run


def sample(folder: Path, rows: int) -> Path:
    """Writes the first of the packaged trips into a folder, and returns it."""
    folder.mkdir()
    lines = taxi.packaged_file().read_text().splitlines(keepends=True)
    (folder / "trips.csv").write_text("".join(lines[: rows + 1]))
    return folder


def records(folder: Path) -> list[bytes]:
    files = sorted(str(path) for path in folder.glob("data_tfrecord-*.gz"))
    assert files
    return [record.numpy() for record in tf.data.TFRecordDataset(files, compression_type="GZIP")]


def without_gaps(example: tf.train.Example) -> bytes:
    """The example without features that hold no value, as bytes that can be compared."""
    kept = {
        name: feature
        for name, feature in example.features.feature.items()
        if any(len(getattr(feature, kind).value) for kind in ("int64_list", "float_list", "bytes_list"))
    }
    return tf.train.Example(features=tf.train.Features(feature=kept)).SerializeToString(deterministic=True)


def values(example: tf.train.Example) -> dict[str, Any]:
    """The value of each feature that has one."""
    kinds = {name: feature.WhichOneof("kind") for name, feature in example.features.feature.items()}
    return {
        name: getattr(example.features.feature[name], kind).value[0] for name, kind in sorted(kinds.items()) if kind
    }


def test_same_values_as_csv_example_gen_and_the_same_bytes_every_time(run: Run, tmp_path: Path) -> None:
    folder = sample(tmp_path / "source", rows=3_000)
    ours = run(folder)
    theirs = run(folder, executor=CsvExampleGenExecutor, out="theirs")
    assert {split: len(examples) for split, examples in ours.items()} == {"train": 1979, "eval": 1021}
    ours_all, theirs_all = (
        sorted(without_gaps(example) for examples in result.values() for example in examples)
        for result in (ours, theirs)
    )
    assert ours_all == theirs_all
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").rglob("data_tfrecord*")}
    run(folder, out="again")
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").rglob("data_tfrecord*")} == first
    digests = {split: hashlib.sha256(b"".join(records(tmp_path / "out" / f"Split-{split}"))) for split in ours}
    # On every stack: the split of a row is a hash of its bytes.
    assert {split: digest.hexdigest()[:16] for split, digest in digests.items()} == {
        "train": "97f74d1bca8cdffc",
        "eval": "50e9b777367d3b9b",
    }


def test_order_is_that_of_the_files(run: Run, tmp_path: Path) -> None:
    for name, start in (("a.csv", 0), ("b.csv", 100), ("c.csv", 200)):
        (tmp_path / name).write_text("trip_seconds\n" + "".join(f"{start + row}\n" for row in range(100)))
    splits = run(tmp_path)
    for examples in splits.values():
        seconds = [values(example)["trip_seconds"] for example in examples]
        assert seconds == sorted(seconds)
    assert sum(map(len, splits.values())) == 300


def test_types_come_from_the_contract(run: Run, tmp_path: Path) -> None:
    rows = "".join(f"{fare},{fare},8.0,{fare},{fare},\n" for fare in range(20))
    (tmp_path / "trips.csv").write_text("fare,company,pickup_community_area,zone,share,gap\n" + rows + "1,2,,,0.5,\n")
    examples = [values(example) for split in run(tmp_path).values() for example in split]
    full = {"fare": 3.0, "company": b"3", "pickup_community_area": 8, "zone": 3, "share": 3.0}
    assert [example for example in examples if example["company"] == b"3"] == [full]
    assert [example for example in examples if "zone" not in example] == [{"fare": 1.0, "company": b"2", "share": 0.5}]
    assert {type(example["fare"]) for example in examples} == {float}


def test_an_empty_cell_is_an_absent_feature(run: Run, tmp_path: Path) -> None:
    (tmp_path / "trips.csv").write_text("fare,company,gap\n" + "".join(f"{row},,\n" for row in range(20)))
    for examples in run(tmp_path).values():
        for example in examples:
            assert sorted(example.features.feature) == ["fare", "gap"]
            assert example.features.feature["gap"].WhichOneof("kind") is None


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CR LF"])
def test_line_breaks_in_a_cell_are_kept(run: Run, tmp_path: Path, end: bytes) -> None:
    texts = [b"a\nb", b"a\rb", b"a\r\nb", b"a\n\rb", b"ab", b"\r"] * 20
    source = tmp_path / "source"
    source.mkdir()
    (source / "texts.csv").write_bytes(end.join([b"text", *(b'"' + text + b'"' for text in texts), b""]))
    found = run(source)
    split = [values(one)["text"] for name in ("train", "eval") for one in found[name]]
    assert sorted(split) == sorted(texts)


def test_a_round_trip_through_pandas_changes_nothing(run: Run, tmp_path: Path) -> None:
    frame = pd.read_csv(taxi.packaged_file(), nrows=200)
    as_is = sample(tmp_path / "as_is", rows=200)
    (tmp_path / "pandas").mkdir()
    frame.to_csv(tmp_path / "pandas" / "trips.csv", index=False)
    assert (tmp_path / "pandas" / "trips.csv").read_text() != (as_is / "trips.csv").read_text()
    assert run(tmp_path / "pandas", out="a") == run(as_is, out="b")


def test_without_a_contract_types_are_inferred(run: Run, tmp_path: Path) -> None:
    (tmp_path / "trips.csv").write_text("fare,company\n" + "".join(f"{row},{row}\n" for row in range(20)))
    example = run(tmp_path, contract=None)["train"][0]
    assert {feature.WhichOneof("kind") for feature in example.features.feature.values()} == {"int64_list"}


def test_a_bad_cell_stops_before_anything_is_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "trips.csv").write_text("trip_miles\n" + "1\n" * 15 + "abc\n")
    with pytest.raises(
        SourceError, match=r"/trips.csv, line 17, column `trip_miles`: expected FLOAT, received 'abc'\."
    ):
        run(tmp_path)
    assert not (tmp_path / "out").exists()


def test_no_file(run: Run, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=rf"{tmp_path}: no file here matches `\*.csv`"):
        run(tmp_path)


def test_a_name_with_glob_characters(run: Run, tmp_path: Path) -> None:
    (tmp_path / "march[1].csv").write_text("fare\n" + "".join(f"{row}\n" for row in range(20)))
    assert sum(map(len, run(tmp_path, pattern="march[[]1].csv").values())) == 20


def test_a_split_without_rows(run: Run, tmp_path: Path) -> None:
    (tmp_path / "trips.csv").write_text("fare\n1\n")
    with pytest.raises(SourceError, match=r": 1 rows, of which none fell into the split (train|eval)\. Expected at"):
        run(tmp_path)


def test_only_names_types_and_the_digest_reach_the_cache_key(tmp_path: Path) -> None:
    edited = tmp_path / "edited.pbtxt"
    text = Path(CONTRACT).read_text()
    edited.write_text(text.replace("threshold: 0.16", "threshold: 0.2"))
    assert column_types(str(edited)) == column_types(CONTRACT)
    edited.write_text(text.replace('name: "fare"', 'name: "price"'))
    assert column_types(str(edited)) != column_types(CONTRACT)
    assert column_types(CONTRACT, source_digest="1") != column_types(CONTRACT, source_digest="2")
    again = proto_utils.proto_to_json(column_types(CONTRACT, source_digest="1"))
    assert again == proto_utils.proto_to_json(column_types(CONTRACT, source_digest="1"))


def test_another_custom_config_is_refused(tmp_path: Path) -> None:
    config = example_gen_pb2.CustomConfig()
    config.custom_config.Pack(example_gen_pb2.Input())
    properties = {
        "input_base": str(tmp_path),
        "input_config": "{}",
        "output_config": "{}",
        "custom_config": proto_utils.proto_to_json(config),
    }
    with pytest.raises(SourceError, match=r"expected what column_types\(\) returns, received 'type.googleapis.com/"):
        Executor(BaseBeamExecutor.Context(tmp_dir=str(tmp_path))).Do(
            {}, {"examples": [standard_artifacts.Examples()]}, properties
        )
