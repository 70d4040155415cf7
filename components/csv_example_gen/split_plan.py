"""Plan a split before anything is written, from the values of its column, and refuse splits that cannot work."""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from components.csv_example_gen import moments
from components.csv_example_gen.column_arrays import map_different
from components.csv_example_gen.csv_files import CellKind, SourceSummary
from components.csv_example_gen.file_contents import OpenFile, SourceError
from components.csv_example_gen.row_copies import hash_rows, number_copies
from components.csv_example_gen.row_sides import are_eval, shift_copies
from components.csv_example_gen.row_split import KeySplit, RowSplit, Split, TimeSplit, is_eval_key
from serving.contract import dates
from serving.contract.dates import EPOCHS
from serving.did_you_mean import suggestion

# A side may get less than its intended share of the rows, since keys have different numbers of rows, and rows of one
# time stay together.
_LEAST_PART = 0.5  # least share of the rows, as a part of the intended share, for splits by key and by time

# (columns, serialized tf.Examples, shifts of the rows) -> which rows are eval, bool [rows]
AreEval = Callable[[Sequence[pa.Array], pa.Array, np.ndarray | None], np.ndarray]


@dataclasses.dataclass(frozen=True, kw_only=True)
class SplitPlan:
    """A split, and what must be known about all rows to assign each of them."""

    split: Split
    eval_from: float | None = None  # for a split by time: the moment at which eval begins
    written: str = ""  # for a split by time: the contract's format of dates in its column; empty if it has none
    # For a split by row: result of `row_sides.shift_copies`, uint16 [rows].
    shifts: np.ndarray | None = dataclasses.field(default=None, compare=False, repr=False)

    def assigner(self, columns: Sequence[str]) -> AreEval:
        """Return a function that returns which rows of a block are eval.

        Args:
            columns: names of the columns that the function will get.
        """
        match self.split:
            case RowSplit(eval_share):
                return lambda _, records, shifts: are_eval(records, shifts, eval_share)
            case KeySplit(column, eval_share):
                place = list(columns).index(column)
                return lambda values, _, __: map_different(
                    values[place], lambda key: is_eval_key(key, eval_share), bool
                )
            case TimeSplit(column):
                place, begin = list(columns).index(column), self.eval_from
                assert begin is not None
                written = self.written
                return lambda values, _, __: map_different(
                    values[place], lambda value: moments.read_moment(value, written) >= begin, bool
                )


def check_column(split: Split, kinds: Mapping[str, CellKind]) -> None:
    """Check that the split's column exists and can be used.

    Args:
        split: the split of a task.
        kinds: columns and their types, in the contract or in the files.

    Raises:
        SourceError: There is no such column, or it is a FLOAT and cannot be a key.
    """
    if isinstance(split, RowSplit):
        return
    if split.column not in kinds:
        raise SourceError(f"split {split}: no column is named {split.column!r}; {suggestion(split.column, kinds)}")
    if isinstance(split, KeySplit) and kinds[split.column] is CellKind.FLOAT:
        raise SourceError(
            f"split {split}: expected a key that is INT or BYTES, received FLOAT; "
            f"change the type of {split.column} in the contract, or split by another column."
        )


def plan_split(split: Split, source: SourceSummary, open_file: OpenFile) -> SplitPlan:
    """Plan a split of the rows of a source; the files are read once more unless the source has the rows' hashes.

    Args:
        split: the split.
        source: the checked source.
        open_file: function that opens a file for reading bytes.

    Returns:
        The plan.

    Raises:
        SourceError: The split's column does not exist, has missing values, or holds values that are not times or dates
            without a year. Or there is only one key or time. Or a side would get less than half of its intended rows.
    """
    check_column(split, source.columns)
    if isinstance(split, RowSplit):
        copies = number_copies(source.row_hashes if source.row_hashes is not None else _hash(source, open_file))
        return SplitPlan(split=split, shifts=shift_copies(copies, split.eval_share))
    blocks = _column(split, source, open_file)
    if isinstance(split, KeySplit):
        _check_keys(split, _count_keys(blocks))
        return SplitPlan(split=split)
    written = source.rules.dates.get(split.column, "")
    if written and written not in EPOCHS and "%Y" not in written:
        raise SourceError(
            f"split {split}: expected dates with a year, since others repeat each year or day, received dates that "
            f"the contract says are written {written}. Split by another column."
        )
    begin = _choose_begin(split, _count_moments(split, blocks, written))
    return SplitPlan(split=split, eval_from=begin, written=written)


def _hash(source: SourceSummary, open_file: OpenFile) -> np.ndarray:
    hashes = [hash_rows(source.columns, block.columns) for block in source.read(open_file)]
    return np.concatenate(hashes)


def _column(
    split: KeySplit | TimeSplit, source: SourceSummary, open_file: OpenFile
) -> Iterator[tuple[int, pa.DictionaryArray]]:
    """Yield (number of rows before it, values of the split's column) for each block of rows."""
    place, before = list(source.columns).index(split.column), 0
    for block in source.read(open_file):
        values = block.columns[place]
        if values.null_count:
            number = before + values.is_valid().index(False).as_py() + 1
            raise SourceError(
                f"split {split}: row {number:,} of {source.rows:,} has no {split.column}, so its side is unknown. "
                "Expected a value in every row: fill it in (with a new key for each row that belongs to no other), "
                "leave such rows out, or split by another column."
            )
        yield before, values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
        before += block.rows


def _count_keys(blocks: Iterator[tuple[int, pa.DictionaryArray]]) -> Counter[int | bytes]:
    rows: Counter[int | bytes] = Counter()
    for _, values in blocks:
        numbers = np.bincount(values.indices.to_numpy(), minlength=len(values.dictionary)).tolist()
        for key, number in zip(values.dictionary.to_pylist(), numbers, strict=True):
            rows[key] += number
    return rows


def _check_keys(split: KeySplit, rows: Counter[int | bytes]) -> None:
    if len(rows) == 1:
        raise SourceError(f"split {split}: expected several keys, received one in all rows: {_show(next(iter(rows)))}.")
    evals = sum(count for key, count in rows.items() if is_eval_key(key, split.eval_share))
    (heaviest, most), total = rows.most_common(1)[0], rows.total()
    _check_shares(
        split,
        evals,
        total,
        f"there are {len(rows):,} keys, the heaviest, {_show(heaviest)}, with {most / total:.1%} of the rows",
    )


def _count_moments(split: TimeSplit, blocks: Iterator[tuple[int, pa.DictionaryArray]], written: str) -> Counter[float]:
    rows: Counter[float] = Counter()
    zone: bool | None = None
    for before, values in blocks:
        indices = values.indices.to_numpy()
        numbers = np.bincount(indices, minlength=len(values.dictionary)).tolist()
        # In the order of first occurrence, so that the error is about the first wrong row.
        for place, (value, number) in enumerate(zip(values.dictionary.to_pylist(), numbers, strict=True)):
            where = f"split {split}: row {before + int(np.argmax(indices == place)) + 1:,}, column `{split.column}`"
            try:
                moment, has_zone = moments.read_moment(value, written), moments.names_zone(value, written)
            except ValueError:
                expected = dates.describe(written) if written else moments.EXAMPLES
                raise SourceError(f"{where}: expected {expected}, received {_show(value)}.") from None
            if zone not in (None, has_zone):
                raise SourceError(
                    f"{where}: expected times that all have an offset from UTC, or none, received both; "
                    f"{_show(value)} is the first of the other kind."
                )
            zone = has_zone
            rows[moment] += number
    return rows


def _choose_begin(split: TimeSplit, rows: Counter[float]) -> float:
    """Return the moment at which eval begins, for which its share is nearest to the intended one."""
    if len(rows) == 1:
        raise SourceError(f"split {split}: expected several times, received one, the same in all rows.")
    total, newest_first = rows.total(), sorted(rows, reverse=True)
    evals = dict(zip(newest_first[:-1], itertools.accumulate(rows[each] for each in newest_first), strict=False))
    begin = min(evals, key=lambda moment: abs(evals[moment] - split.eval_share * total))
    _check_shares(split, evals[begin], total, f"there are {len(rows):,} times, and rows of one time stay together")
    return begin


def _check_shares(split: KeySplit | TimeSplit, evals: int, rows: int, why: str) -> None:
    if not evals or evals == rows:
        raise SourceError(
            f"split {split}: none of {rows:,} rows would be {'train' if evals else 'eval'}: {why}. "
            "Add rows, or choose another split."
        )
    least, most = _LEAST_PART * split.eval_share, 1 - _LEAST_PART * (1 - split.eval_share)
    if not least <= evals / rows <= most:
        raise SourceError(
            f"split {split}: expected {least:.1%} to {most:.1%} of the rows in eval, received {evals / rows:.1%}: "
            f"{why}. Add rows, or choose another share or split."
        )


def _show(value: float | bytes) -> str:
    return repr(value.decode(errors="replace")) if isinstance(value, bytes) else f"{value:,}"
