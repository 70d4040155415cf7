"""Reading, encoding and splitting row by row: what the reading by blocks is held against."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from tensorflow.core.example import example_pb2

from components.csv_example_gen.csv_files import CellKind, read_columns
from components.csv_example_gen.csv_values import Value
from components.csv_example_gen.reading_rules import ReadingRules
from components.csv_example_gen.row_split import eval_buckets

LISTS = {CellKind.INT: "int64_list", CellKind.FLOAT: "float_list", CellKind.BYTES: "bytes_list"}


class RowCounter:
    """Tells the side of each row of a split by row; the n-th of equal rows by n."""

    def __init__(self, eval_share: float) -> None:
        self._evals, self._total = eval_buckets(eval_share)
        self._seen: Counter[bytes] = Counter()

    def is_eval(self, record: bytes) -> bool:
        copies = self._seen[record]
        self._seen[record] += 1
        bucket = int(hashlib.sha256(record).hexdigest(), 16) + copies * self._evals
        return bucket % self._total >= self._total - self._evals


def encode(row: Sequence[Value], kinds: Mapping[str, CellKind]) -> bytes:
    """The record of a row, as protocol buffers write it."""
    example = example_pb2.Example()
    feature = example.features.feature
    for (name, kind), value in zip(kinds.items(), row, strict=True):
        if value is not None:
            getattr(feature[name], LISTS[kind]).value.append(value)
        elif kind is CellKind.EMPTY:
            feature[name].SetInParent()
    return example.SerializeToString(deterministic=True)


def read(file: str, kinds: Mapping[str, CellKind], rules: ReadingRules) -> list[tuple[Value, ...]]:
    """The values of all rows, converted cell by cell."""
    return [row for columns in read_columns(file, kinds, rules=rules) for row in zip(*columns, strict=True)]
