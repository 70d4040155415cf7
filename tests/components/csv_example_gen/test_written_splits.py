"""What was written is checked against the split, whoever split it: faults are planted in what was written."""

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from components.csv_example_gen.row_split import KeySplit, RowSplit, TimeSplit
from components.csv_example_gen.written_splits import SplitCheckError, check_shares, check_sides


def written(path: Path, values: list[Any]) -> list[str]:
    kinds = {int: "int64_list", float: "float_list", bytes: "bytes_list"}
    with tf.io.TFRecordWriter(str(path), options="GZIP") as writer:
        for value in values:
            example = tf.train.Example()
            getattr(example.features.feature["x"], kinds[type(value)]).value.append(value)
            writer.write(example.SerializeToString())
    return [str(path)]


@pytest.mark.parametrize(
    ("train", "evaluation", "shown"),
    [
        ([b"a", b"b"], [b"c", b"c"], None),
        ([b"a", b"b", b"d"], [b"c", b"b", b"d"], "2, such as b'b', b'd'"),
        ([1], [1], "1, such as 1"),
    ],
)
def test_a_key_on_both_sides(tmp_path: Path, train: list[Any], evaluation: list[Any], shown: str | None) -> None:
    sides = written(tmp_path / "train", train), written(tmp_path / "eval", evaluation)
    if shown is None:
        check_sides(KeySplit("x"), *sides)
        return
    with pytest.raises(SplitCheckError, match=rf"^split by x, .+: expected no key on both sides, received {shown}, "):
        check_sides(KeySplit("x"), *sides)


@pytest.mark.parametrize(
    ("train", "evaluation", "ends"),
    [
        ([1, 2], [3, 4], None),
        ([1, 3], [2, 4], "received 3 in train and 2 in eval"),
        ([0.5, 1.5], [1.5], None),  # different as doubles, equal as float32
        ([b"2024-01-01"], [b"2024-01-02"], None),
        ([b"2024-01-03"], [b"2024-01-02"], "in eval"),
    ],
)
def test_a_row_in_train_that_is_newer(
    tmp_path: Path, train: list[Any], evaluation: list[Any], ends: str | None
) -> None:
    sides = written(tmp_path / "train", train), written(tmp_path / "eval", evaluation)
    if ends is None:
        check_sides(TimeSplit("x"), *sides)
        return
    with pytest.raises(
        SplitCheckError, match=rf"expected no row of train that is newer than a row of eval, .*{ends}\. The "
    ):
        check_sides(TimeSplit("x"), *sides)


@pytest.mark.parametrize("row", [{}, {"x": tf.train.Feature(int64_list=tf.train.Int64List(value=[1, 2]))}])
def test_a_row_without_one_value(tmp_path: Path, row: dict[str, Any]) -> None:
    train = written(tmp_path / "train", [1])
    with tf.io.TFRecordWriter(str(tmp_path / "eval"), options="GZIP") as writer:
        writer.write(tf.train.Example(features=tf.train.Features(feature=row)).SerializeToString())
    with pytest.raises(SplitCheckError, match=rf"expected one value of x in each row .* received {2 * len(row)} in 1 "):
        check_sides(KeySplit("x"), train, [str(tmp_path / "eval")])


def test_nothing_is_read_for_a_split_by_row() -> None:
    check_sides(RowSplit(), ["no such file"], ["no such file"])


def test_a_share_that_chance_does_not_explain() -> None:
    check_shares(RowSplit(), 10_009, 4_993)
    check_shares(RowSplit(), 70, 30)
    check_shares(RowSplit(0.1), 900, 100)
    check_shares(KeySplit("x"), 1, 10_000)  # was compared before, with the keys' own rows in mind
    with pytest.raises(SplitCheckError, match=r": expected 200 of 600 rows in eval, 59 more or less, received 136\. "):
        check_shares(RowSplit(), 464, 136)


def test_times_are_read_as_the_contract_says(tmp_path: Path) -> None:
    """Of 31 January 2023 and 1 February 2024, the first is the larger number."""
    sides = written(tmp_path / "old", [31012023]), written(tmp_path / "new", [1022024])
    check_sides(TimeSplit("x"), *sides, "%d%m%Y")
    with pytest.raises(SplitCheckError, match="expected no row of train that is newer than a row of eval"):
        check_sides(TimeSplit("x"), *sides[::-1], "%d%m%Y")
