"""TFRecord files are those that Beam's writer makes, and complete or absent."""

import gzip
import io
from pathlib import Path

import pyarrow as pa
import pytest
from apache_beam.io.tfrecordio import _TFRecordUtil

from components.csv_example_gen.record_files import RecordFile
from components.tfrecord_format import frame

pytestmark = pytest.mark.slow

RECORDS = [b"a", b"", bytes(range(256)) * 3, b"a", b"\xff" * 20_000]


def by_beam(records: list[bytes]) -> bytes:
    stream = io.BytesIO()
    for record in records:
        _TFRecordUtil.write_record(stream, record)
    return stream.getvalue()


def test_frames_are_those_of_beam() -> None:
    assert bytes(frame(pa.array(RECORDS))) == by_beam(RECORDS)
    assert bytes(frame(pa.array(RECORDS).slice(1).filter(pa.array([True, False, True, False])))) == by_beam([b"", b"a"])
    assert bytes(frame(pa.array([], pa.binary()))) == b""


def test_blocks_make_one_file_of_the_same_bytes_every_time(tmp_path: Path) -> None:
    for name in ("a.gz", "b.gz"):
        with RecordFile(str(tmp_path / name), str(tmp_path)) as file:
            file.write(pa.array(RECORDS[:2]))
            file.write(pa.array([], pa.binary()))
            file.write(pa.array(RECORDS[2:]))
    assert gzip.decompress((tmp_path / "a.gz").read_bytes()) == by_beam(RECORDS)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


@pytest.mark.parametrize("records", [RECORDS, []])
def test_an_attempt_that_fails_leaves_nothing(tmp_path: Path, records: list[bytes]) -> None:
    def fail() -> None:
        with RecordFile(str(tmp_path / "a.gz"), str(tmp_path)) as file:
            file.write(pa.array(records, pa.binary()))
            assert not (tmp_path / "a.gz").exists()
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_rows_is_a_file(tmp_path: Path) -> None:
    with RecordFile(str(tmp_path / "a.gz"), str(tmp_path)):
        pass
    assert gzip.decompress((tmp_path / "a.gz").read_bytes()) == b""
