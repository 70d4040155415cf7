"""Transform's rows in another order than the raw ones, as an engine may write them: paired by key, or refused."""

import contextlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf

from components.skew_gate import component, row_pairing
from components.skew_gate.row_pairing import pair_rows
from tests import handmade
from tests.components.skew_gate.world import ROWS, World, batch_path_of, differing, reason

Edit = Callable[[list[tf.train.Example]], object]


def shards(world: World, edit: Edit = lambda rows: None) -> list[str]:
    """The transformed rows in three files, shuffled after an edit."""
    rows = [tf.train.Example.FromString(record) for record in handmade.read_records(world.transformed)]
    edit(rows)
    random.Random(0).shuffle(rows)
    return [
        handmade.write_records(
            world.directory / f"transformed-{n}.gz", [row.SerializeToString() for row in rows[n * 40 : n * 40 + 40]]
        )
        for n in range(3)
    ]


def test_rows_in_the_same_order_are_left_where_they_are(world: World) -> None:
    assert pair_rows([world.raw], world.batch_path, world.directory) is world.batch_path


@pytest.mark.parametrize("part_rows", [8192, 7], ids=["one part", "many parts"])
def test_shuffled_rows_of_several_files_get_the_order_of_the_raw_ones(
    world: World, monkeypatch: pytest.MonkeyPatch, part_rows: int
) -> None:
    monkeypatch.setattr(row_pairing, "CHUNK_ROWS", part_rows)
    paired = pair_rows([world.raw], batch_path_of(shards(world), world.trained), world.directory).files
    assert len(paired) == -(-ROWS // part_rows)
    rows = [record for file in paired for record in handmade.read_records(file)]
    assert list(map(parsed, rows)) == list(map(parsed, handmade.read_records(world.transformed)))
    assert not list(Path(world.directory).glob("paired-*[0-9]")), "parts are removed"


def parsed(record: bytes) -> tf.train.Example:
    return tf.train.Example.FromString(record)


def compared(world: World, edit: Edit) -> component.SkewReport:
    paired = pair_rows([world.raw], batch_path_of(shards(world, edit), world.trained), world.directory)
    return world.compare(batch_path=paired)


def test_an_honest_model_is_blessed_whatever_the_order(world: World) -> None:
    report = compared(world, lambda rows: None)
    assert report.blessed
    assert (report.as_dict()["rows"], report.as_dict()["differences"]) == (ROWS, 0)


def test_a_skewed_row_is_found_where_it_is(world: World) -> None:
    def skew(rows: list[tf.train.Example]) -> None:
        rows[41].features.feature["fare"].float_list.value[0] += 0.5

    report = compared(world, skew)
    assert "feature fare" in reason(report, "feature fare")
    assert "1 of 100 rows are not equal" in reason(report, "feature fare")
    assert "worst at row 41: " in reason(report, "feature fare")


def test_rows_that_exchange_their_values_are_skew_and_no_other_order(world: World) -> None:
    """The values of all rows together are as they were: what pairs by value would pair them."""

    def exchange(rows: list[tf.train.Example]) -> None:
        one, other = (rows[place].features.feature["miles"].float_list for place in (3, 4))
        one.value[0], other.value[0] = other.value[0], one.value[0]

    report = compared(world, exchange)
    assert "miles" in differing(report)
    assert "2 of 100 rows are not equal" in reason(report, "feature miles")


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda rows: rows.pop(5), "100 raw, 99 transformed; Transform's output lacks 1, the first of them raw row 5 "),
        (lambda rows: rows.append(rows[5]), "100 raw, 101 transformed; Transform's output has too many 1, the first "),
    ],
    ids=["lost", "doubled"],
)
def test_the_gate_refuses_lost_and_doubled_rows(
    world: World, monkeypatch: pytest.MonkeyPatch, edit: Edit, told: str
) -> None:
    for name in ("Probe", "ServedCandidate"):
        monkeypatch.setattr(component, name, lambda *_: contextlib.nullcontext())
    report = world.compare_in_processes(transformed_files=shards(world, edit))
    assert not report.blessed
    (told_reason,) = report.reasons()
    assert told in told_reason
    assert " with key " in told_reason
