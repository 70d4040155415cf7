"""The CSV reader under a contract, run as TFX runs it, and beside CsvExampleGen's own executor."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.example_gen import utils
from tfx.components.example_gen.csv_example_gen.executor import Executor as CsvExampleGenExecutor
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import io_utils, proto_utils

from components.csv_example_gen import csv_blocks
from components.csv_example_gen import executor as module
from components.csv_example_gen.csv_files import SourceError, check_csv
from components.csv_example_gen.executor import Executor, column_types
from components.csv_example_gen.fingerprint import fingerprint
from components.csv_example_gen.reading_rules import ReadingRules
from components.csv_example_gen.row_split import EVAL_SHARE, KeySplit, RowSplit, Split, TimeSplit
from components.csv_example_gen.split_plan import SplitPlan
from components.csv_example_gen.written_splits import SplitCheckError
from data import taxi
from tests.components.csv_example_gen.row_by_row import RowCounter, encode, read

pytestmark = pytest.mark.slow

CONTRACT = str(Path(taxi.__file__).parent / "schema" / "taxi.pbtxt")
# The last flag keeps TFX from packing itself into an archive for remote workers, which takes a second.
BEAM_ARGS = ["--direct_running_mode=in_memory", "--sdk_container_image=unused"]

Run = Callable[..., dict[str, list[tf.train.Example]]]


@pytest.fixture
def properties() -> dict[str, str]:
    """Custom properties, those of text, of the Examples that `run` wrote last."""
    return {}


@pytest.fixture
def run(tmp_path: Path, properties: dict[str, str]) -> Run:
    """Runs an executor over a folder and returns the examples of each split, in the order of the files."""

    def run(
        folder: Path,
        executor: type[BaseBeamExecutor] = Executor,
        contract: str | None = CONTRACT,
        pattern: str = "*.csv",
        out: str = "out",
        split: Split | None = None,
        shard_bytes: int | None = None,
        **told: Any,
    ) -> dict[str, list[tf.train.Example]]:
        artifact = standard_artifacts.Examples()
        artifact.uri = str(tmp_path / out)
        source = example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name="all", pattern=pattern)])
        parameters: dict[str, Any] = {
            "input_base": str(folder),
            "input_config": proto_utils.proto_to_json(source),
            "output_config": proto_utils.proto_to_json(utils.make_default_output_config(source)),
            "output_data_format": example_gen_pb2.FORMAT_TF_EXAMPLE,
            "output_file_format": example_gen_pb2.FORMAT_TFRECORDS_GZIP,
            "custom_config": proto_utils.proto_to_json(column_types(contract, "", split, shard_bytes))
            if contract
            else None,
            **told,
        }
        context = BaseBeamExecutor.Context(beam_pipeline_args=BEAM_ARGS, tmp_dir=str(tmp_path / "tmp"))
        executor(context).Do({}, {"examples": [artifact]}, parameters)
        custom = artifact.mlmd_artifact.custom_properties
        properties.update({name: value.string_value for name, value in custom.items()})
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


def test_several_shards_hold_the_rows_of_one_in_its_order(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = sample(tmp_path / "source", rows=1_000)
    text = (folder / "trips.csv").read_text()
    (folder / "trips.csv").write_text(text + text[text.index("\n") + 1 :])  # Every row has an equal one far from it.
    whole = run(folder)
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 1 << 14)
    assert run(folder, out="shards", shard_bytes=1 << 15) == whole
    names = {path.name for path in (tmp_path / "shards").rglob("*") if path.is_file()}
    assert names == {f"data_tfrecord-{shard:05d}-of-00006.gz" for shard in range(6)}
    assert {path.name for path in (tmp_path / "out").rglob("*.gz")} == {"data_tfrecord-00000-of-00001.gz"}
    counter, expected = RowCounter(EVAL_SHARE), {False: [], True: []}
    source = check_csv(folder, rules=ReadingRules.from_schema(io_utils.parse_pbtxt_file(CONTRACT, schema_pb2.Schema())))
    for row in read(source.files[0], source.columns, source.rules):
        record = encode(row, source.columns)
        expected[counter.is_eval(record)].append(record)
    written = [records(tmp_path / "shards" / f"Split-{side}") for side in ("train", "eval")]
    assert written == [expected[False], expected[True]]


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
    texts = [b"a\nb", b"a\rb", b"a\r\nb", b"a\n\rb", b"ab", b"a\r"] * 20
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


def test_every_format_of_a_folder_and_what_is_said_of_it(run: Run, properties: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    rows = pd.DataFrame({"fare": [16_777_217.0, *map(float, range(19))], "company": ["Ä", None] * 10})
    rows.to_csv(folder / "1.csv.gz", index=False)
    rows.to_parquet(folder / "2.parquet", index=False)
    rows.to_csv(folder / "3.CSV", index=False, sep=";", encoding="utf-8-sig", na_rep="N/A")
    (folder / "notes.txt").touch()
    contract = tmp_path / "contract.pbtxt"
    text = Path(CONTRACT).read_text()
    contract.write_text(text.replace('"missing_string:"', '"missing_string:" tag: "missing_cell:N/A"'))
    splits = run(folder, contract=str(contract), pattern="*")
    examples = [values(example) for split in splits.values() for example in split]
    assert len(examples) == 60
    assert sum(example == {"fare": 17.0, "company": "Ä".encode()} for example in examples) == 3
    assert sum(example == {"fare": 18.0} for example in examples) == 3
    assert properties["float32_errors"] == f'{{"fare": {1 / 16_777_217}}}'


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


def test_equal_rows_do_not_share_a_side(run: Run, tmp_path: Path) -> None:
    (tmp_path / "trips.csv").write_text("company\n" + "".join(f"firm {row % 6}\n" for row in range(600)))
    splits = run(tmp_path)
    assert abs(len(splits["eval"]) - 200) <= 2 * (600 * 2 / 9) ** 0.5
    firms = [values(example)["company"] for example in splits["eval"]]
    assert {firms.count(firm) for firm in set(firms)} <= {33, 34}
    assert len(set(firms)) == 6


def test_all_trips_of_a_company_on_one_side(run: Run, tmp_path: Path) -> None:
    rows = "".join(f"firm {row % 30},{row}\n" for row in range(300))
    (tmp_path / "trips.csv").write_text("company,fare\n" + rows)
    splits = run(tmp_path, split=KeySplit("company", 0.5))
    firms = {split: {values(example)["company"] for example in examples} for split, examples in splits.items()}
    assert not firms["train"] & firms["eval"]
    assert len(firms["train"] | firms["eval"]) == 30


def test_the_newest_trips_are_eval_in_the_order_of_the_file(run: Run, tmp_path: Path) -> None:
    starts = [1_400_000_000 + 7919 * row % 1000 for row in range(100)]
    (tmp_path / "trips.csv").write_text("trip_start_timestamp\n" + "".join(f"{start}\n" for start in starts))
    splits = run(tmp_path, split=TimeSplit("trip_start_timestamp", 0.2))
    written = [values(example)["trip_start_timestamp"] for example in splits["eval"]]
    assert written == [start for start in starts if start >= sorted(starts)[80]]


def test_a_leak_across_a_key_split_stops_the_run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trips.csv").write_text("company,fare\n" + "".join(f"{row % 30},{row}\n" for row in range(300)))

    def split_by_row(self: SplitPlan, columns: list[str]) -> Any:
        return assigner(SplitPlan(split=RowSplit(self.split.eval_share)), columns)

    assigner = SplitPlan.assigner
    monkeypatch.setattr(SplitPlan, "assigner", split_by_row)
    with pytest.raises(SplitCheckError, match=r"^split by company, .+: expected no key on both sides, received 30, "):
        run(tmp_path, split=KeySplit("company"))


def test_a_split_that_cannot_work_writes_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "trips.csv").write_text("company,fare\n" + "".join(f"one,{row}\n" for row in range(300)))
    with pytest.raises(SourceError, match=r"expected several keys, received one in all rows: 'one'\.$"):
        run(tmp_path, split=KeySplit("company"))
    assert not (tmp_path / "out").exists()
    with pytest.raises(SourceError, match=r"no column is named 'compani'; did you mean 'company'\?$"):
        run(tmp_path, split=KeySplit("compani"))


@pytest.mark.parametrize("how", ["grows", "changes and changes back", "gains a file"])
def test_files_that_change_while_they_are_read(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    trips = tmp_path / "trips.csv"
    text = "fare\n" + "".join(f"{row}\n" for row in range(60))
    trips.write_text(text)

    def check_and_change(*args: Any, **kwargs: Any) -> Any:
        found = check_csv(*args, **kwargs)
        if how == "gains a file":
            (tmp_path / "trips_2.csv").write_text(text)
        else:
            trips.unlink()
            trips.write_text(text + ("60\n" if how == "grows" else ""))
        return found

    check_csv = module.check_csv
    monkeypatch.setattr(module, "check_csv", check_and_change)
    with pytest.raises(SourceError, match=r": the files changed while ExampleGen read them\. Expected split:all,num_f"):
        run(tmp_path)


def test_files_that_changed_since_their_fingerprint_was_taken(run: Run, tmp_path: Path) -> None:
    (tmp_path / "trips.csv").write_text("fare\n" + "".join(f"{row}\n" for row in range(60)))
    recorded = fingerprint("all", [str(tmp_path / "trips.csv")])
    assert sum(map(len, run(tmp_path, input_fingerprint=recorded).values())) == 60
    with (tmp_path / "trips.csv").open("a") as stream:
        stream.write("60\n")
    with pytest.raises(SourceError, match=rf"Expected {recorded}, received split:all,num_files:"):
        run(tmp_path, out="again", input_fingerprint=recorded)


def test_only_names_types_and_the_digest_reach_the_cache_key(tmp_path: Path) -> None:
    edited = tmp_path / "edited.pbtxt"
    text = Path(CONTRACT).read_text()
    edited.write_text(text.replace("threshold: 0.16", "threshold: 0.2"))
    assert column_types(str(edited)) == column_types(CONTRACT)
    edited.write_text(text.replace('name: "fare"', 'name: "price"'))
    assert column_types(str(edited)) != column_types(CONTRACT)
    assert column_types(CONTRACT, source_digest="1") != column_types(CONTRACT, source_digest="2")
    assert column_types(CONTRACT, "", KeySplit("company")) != column_types(CONTRACT, "", RowSplit())
    assert column_types(CONTRACT, "", RowSplit()) == column_types(CONTRACT)
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
