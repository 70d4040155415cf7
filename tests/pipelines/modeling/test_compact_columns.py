"""Columns in compact tables: the same values, in few bytes, whether they are held in memory or in a file."""

import errno
import os
from collections.abc import Iterator

import numpy as np
import pytest

from pipelines.modeling import compact_columns
from pipelines.modeling.compact_columns import CompactColumns, hold_columns

CHUNKS = [
    {"id": np.array([[1], [-128]]), "wide": np.array([[0.5, 1], [2, 3]], np.float32), "name": [[b"ash"], [b"bay"]]},
    {"id": np.array([[127]]), "wide": np.array([[4, 5]], np.float32), "name": [[b"cat"]]},
]
ROWS = np.arange(3)


def read() -> Iterator[dict[str, np.ndarray]]:
    for chunk in CHUNKS:
        yield {**chunk, "name": np.array(chunk["name"], object)}


def hold(*numbers: list[int]) -> CompactColumns:
    return hold_columns(lambda: [{"id": np.array(one)[:, None]} for one in numbers])[0]


@pytest.mark.parametrize("held_bytes", [compact_columns.HELD_BYTES, 0], ids=["memory", "file"])
def test_values_come_out_as_they_came(held_bytes: int) -> None:
    columns, rows = hold_columns(read, held_bytes)
    assert rows == 3
    assert columns.read("id", ROWS).tolist() == [[1], [-128], [127]]
    assert columns.read("wide", np.array([2, 0])).tolist() == [[4, 5], [0.5, 1]]
    assert columns.read("name", ROWS).tolist() == [[b"ash"], [b"bay"], [b"cat"]]
    assert [columns.read(name, ROWS).dtype for name in ("id", "wide", "name")] == [np.int64, np.float32, object]
    assert [key.tolist() for key in columns.sort_keys()] == [
        [1, -128, 127],
        [0.5, 2, 4],
        [1, 3, 5],
        [b"ash", b"bay", b"cat"],
    ]
    in_file = [isinstance(table, np.memmap) for table in columns.tables]
    assert in_file == [held_bytes == 0, held_bytes == 0, False], "strings are Python objects, and stay in memory"


def test_small_numbers_take_a_byte_each() -> None:
    (table,) = hold([127, -128]).tables
    assert table.dtype == np.int8


@pytest.mark.parametrize(
    ("numbers", "dtype"),
    [
        ([128], np.int16), ([-129], np.int16), ([2**15 - 1], np.int16), ([2**15], np.int32), ([-(2**31)], np.int32),
        ([2**31], np.int64), ([2**63 - 1, -(2**63)], np.int64),
    ],
)  # fmt: skip
def test_one_number_of_a_later_chunk_widens_the_column(numbers: list[int], dtype: type) -> None:
    columns = hold([1, 2], numbers, [3])
    assert columns.tables[0].dtype == dtype
    assert columns.read("id", np.arange(3 + len(numbers)))[:, 0].tolist() == [1, 2, *numbers, 3]


def test_what_is_larger_than_the_bound_is_read_twice_and_held_once() -> None:
    passes = []

    def counted() -> Iterator[dict[str, np.ndarray]]:
        passes.append(1)
        yield {"id": np.arange(100)[:, None]}

    hold_columns(counted, held_bytes=100)
    assert len(passes) == 1, "100 numbers of a byte each"
    hold_columns(counted, held_bytes=99)
    assert len(passes) == 3


def test_the_bound_is_on_tables_and_not_on_what_chunks_take() -> None:
    columns, _ = hold_columns(lambda: [{"id": np.ones((99, 1), int)}, {"id": np.array([[2**40]])}], held_bytes=799)
    assert isinstance(columns.tables[0], np.memmap), "one number of eight bytes makes each of 100 as wide"


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot reserve the bytes of a file")
def test_a_full_disk_is_an_error_and_not_a_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: int, begin: int, size: int) -> None:
        assert (begin, size) == (0, 2 * 3 * 4), "all of the first table"
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(OSError, match="No space left on device"):
        hold_columns(lambda: [{"wide": np.ones((3, 2), np.float32)}], held_bytes=0)


def test_no_rows() -> None:
    columns, rows = hold_columns(list)
    assert (rows, columns.tables, columns.places) == (0, (), {})
