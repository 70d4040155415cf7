"""What one worker does with a shard, without an engine: attempts that are lost or repeated change nothing."""

from pathlib import Path

import pytest

from components.csv_example_gen import csv_blocks
from components.csv_example_gen.csv_files import SourceSummary, check_csv
from components.csv_example_gen.file_contents import open_local
from components.csv_example_gen.row_split import RowSplit
from components.csv_example_gen.shard_writer import SIDES, WriteShards, assign, count_rows
from components.csv_example_gen.split_plan import SplitPlan, plan_split
from components.csv_example_gen.written_splits import SplitCheckError

pytestmark = pytest.mark.slow


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SourceSummary:
    """Three shards."""
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 1 << 8)
    (tmp_path / "rows.csv").write_text("n\n" + "".join(f"{row}\n" for row in range(600)))
    for folder in ("scratch", *SIDES):
        (tmp_path / folder).mkdir()
    return check_csv(tmp_path / "rows.csv", shard_bytes=700)


@pytest.fixture
def plan(source: SourceSummary) -> SplitPlan:
    return plan_split(RowSplit(), source, open_local)


def write(source: SourceSummary, plan: SplitPlan, folder: Path, numbers: list[int]) -> None:
    writer = WriteShards(source, plan, {side: str(folder / side) for side in SIDES}, str(folder / "scratch"))._writer
    for assignment in list(assign(source, plan)):
        if assignment.number in numbers:
            assert list(writer.process(assignment)) == []


def test_a_repeated_attempt_writes_the_same_and_counts_once(
    tmp_path: Path, source: SourceSummary, plan: SplitPlan
) -> None:
    write(source, plan, tmp_path, [0, 1, 2])
    first = {path: path.read_bytes() for side in SIDES for path in (tmp_path / side).iterdir()}
    assert len(first) == 6
    write(source, plan, tmp_path, [1])
    assert {path: path.read_bytes() for side in SIDES for path in (tmp_path / side).iterdir()} == first
    assert count_rows(source, str(tmp_path / "scratch")) == {"train": 403, "eval": 197}


def test_a_shard_that_nobody_wrote(tmp_path: Path, source: SourceSummary, plan: SplitPlan) -> None:
    write(source, plan, tmp_path, [0, 2])
    with pytest.raises(SplitCheckError, match=r"^shard 1 of 3: expected \d+ rows, as were checked, received 0\. The "):
        count_rows(source, str(tmp_path / "scratch"))


def test_an_attempt_that_fails_leaves_no_file_where_readers_look(
    tmp_path: Path, source: SourceSummary, plan: SplitPlan
) -> None:
    (tmp_path / "rows.csv").write_text("n\n" + "".join(f"{row}\n" for row in range(300)) + "x\n" * 300)
    with pytest.raises(ValueError, match="expected INT, received 'x'"):
        write(source, plan, tmp_path, [2])
    assert [path for folder in ("scratch", *SIDES) for path in (tmp_path / folder).iterdir()] == []
