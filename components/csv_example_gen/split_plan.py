"""Plans a split before anything is written: looks through the column that it goes by, and refuses what cannot work."""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from components.csv_example_gen import moments
from components.csv_example_gen.csv_files import CellKind, SourceSummary, read_columns
from components.csv_example_gen.csv_values import Value
from components.csv_example_gen.file_contents import OpenFile, SourceError
from components.csv_example_gen.row_split import KeySplit, RowCounter, RowSplit, Split, TimeSplit, is_eval_key
from serving.contract.dates import EPOCHS
from serving.did_you_mean import suggestion

# A side may have less than is stated for it: keys differ in their rows, and rows of one time stay together.
_LEAST_PART = 0.5  # of its stated share of the rows, by key and by time

IsEval = Callable[[Sequence[Value], bytes], bool]


@dataclasses.dataclass(frozen=True, kw_only=True)
class SplitPlan:
    """A split, and what it took a look at the rows to know."""

    split: Split
    eval_from: float | None = None  # of a split by time: the moment of the first row that is eval
    written: str = ""  # of a split by time: how the contract says that its column is written

    def assigner(self, columns: Sequence[str]) -> IsEval:
        """Returns what tells whether a row is eval, from its values and its serialized tf.Example; for one reading.

        Args:
            columns: what the values are of.
        """
        match self.split:
            case RowSplit(eval_share):
                counter = RowCounter(eval_share)
                return lambda _, record: counter.is_eval(record)
            case KeySplit(column, eval_share):
                place = list(columns).index(column)
                return lambda values, _: is_eval_key(_key(_present(values[place])), eval_share)
            case TimeSplit(column):
                place, begin = list(columns).index(column), self.eval_from
                assert begin is not None
                return lambda values, _: moments.read_moment(_present(values[place]), self.written) >= begin


def check_column(split: Split, kinds: Mapping[str, CellKind]) -> None:
    """Looks for the column that a split goes by.

    Args:
        split: of a task.
        kinds: the columns that there are, in the contract or in the files.

    Raises:
        SourceError: There is none, or it cannot be a key.
    """
    if isinstance(split, RowSplit):
        return
    if split.column not in kinds:
        raise SourceError(f"split {split}: no column is named {split.column!r}; {suggestion(split.column, kinds)}")
    if isinstance(split, KeySplit) and kinds[split.column] is CellKind.FLOAT:
        raise SourceError(
            f"split {split}: expected a key that is INT or BYTES, received FLOAT; "
            f"numbers that are names are whole, or text: change the type of {split.column} in the contract."
        )


def plan_split(split: Split, source: SourceSummary, open_file: OpenFile) -> SplitPlan:
    """Plans a split of the rows of a source. Reads the files once, but for a split by row.

    Raises:
        SourceError: The column is not there, has gaps, or holds no time or one without a year; there is one key or one
            time only; or a side would get less than half of the rows that are stated for it.
    """
    check_column(split, source.columns)
    if isinstance(split, RowSplit):
        return SplitPlan(split=split)
    values = _column(split, source, open_file)
    if isinstance(split, KeySplit):
        _check_keys(split, Counter(values))
        return SplitPlan(split=split)
    written = source.rules.dates.get(split.column, "")
    if written and written not in EPOCHS and "%Y" not in written:
        raise SourceError(
            f"split {split}: expected dates with a year, since others begin anew each year or day, received dates that "
            f"the contract says are written {written}. Split by another column."
        )
    begin = _choose_begin(split, Counter(_moments(split, values, written)))
    return SplitPlan(split=split, eval_from=begin, written=written)


def _column(split: KeySplit | TimeSplit, source: SourceSummary, open_file: OpenFile) -> Iterator[float | bytes]:
    place = list(source.columns).index(split.column)
    batches = itertools.chain.from_iterable(
        read_columns(file, source.columns, open_file, rules=source.rules) for file in source.files
    )
    number = 0
    for columns in batches:
        for value in columns[place]:
            number += 1
            if value is None:
                raise SourceError(
                    f"split {split}: row {number:,} of {source.rows:,} has no {split.column}, so nobody knows its "
                    "side. Expected a value in every row: fill it in (a row that belongs to nobody else's gets a key "
                    "of its own), leave such rows out, or split by another column."
                )
            yield value


def _check_keys(split: KeySplit, rows: Counter[float | bytes]) -> None:
    if len(rows) == 1:
        raise SourceError(f"split {split}: expected several keys, received one in all rows: {_show(next(iter(rows)))}.")
    evals = sum(count for key, count in rows.items() if is_eval_key(_key(key), split.eval_share))
    (heaviest, most), total = rows.most_common(1)[0], rows.total()
    _check_shares(
        split,
        evals,
        total,
        f"there are {len(rows):,} keys, the heaviest, {_show(heaviest)}, with {most / total:.1%} of the rows",
    )


def _moments(split: TimeSplit, values: Iterator[float | bytes], written: str) -> Iterator[float]:
    zone: bool | None = None
    for number, value in enumerate(values, start=1):
        try:
            moment, has_zone = moments.read_moment(value, written), moments.names_zone(value, written)
        except ValueError:
            expected = f"a date or time written {written}" if written else moments.EXAMPLES
            raise SourceError(
                f"split {split}: row {number:,}, column `{split.column}`: expected {expected}, received {_show(value)}."
            ) from None
        if zone not in (None, has_zone):
            raise SourceError(
                f"split {split}: row {number:,}, column `{split.column}`: expected times that all name their offset "
                f"from UTC, or none, received both; {_show(value)} is the first of the other kind."
            )
        zone = has_zone
        yield moment


def _choose_begin(split: TimeSplit, rows: Counter[float]) -> float:
    """Chooses the moment at which eval begins, so that its share is the nearest to the stated one."""
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
            "Bring more rows, or split otherwise."
        )
    least, most = _LEAST_PART * split.eval_share, 1 - _LEAST_PART * (1 - split.eval_share)
    if not least <= evals / rows <= most:
        raise SourceError(
            f"split {split}: expected {least:.1%} to {most:.1%} of the rows in eval, received {evals / rows:.1%}: "
            f"{why}. Bring more rows, state another share, or split otherwise."
        )


def _present(value: Value) -> float | bytes:
    assert value is not None, "plan_split found a value in every row"
    return value


def _key(value: float | bytes) -> int | bytes:
    assert not isinstance(value, float), "check_column let no FLOAT through"
    return value


def _show(value: float | bytes) -> str:
    return repr(value.decode(errors="replace")) if isinstance(value, bytes) else f"{value:,}"
