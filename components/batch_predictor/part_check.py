"""Check columns that are parts of a time, such as its month, against the time, and fill in missing ones.

The gateway does the same. The contract names the parts (serving/contract/time_parts.py).
"""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from serving.contract import Contract, Feature
from serving.contract.time_parts import TimePart, WallClock

AreAllowed = Callable[[Feature, pa.Array], np.ndarray]  # bool [rows]: whether the contract allows a value; true of null


@dataclasses.dataclass(frozen=True, kw_only=True)
class PartFault:
    """A wrong part of a time in a row."""

    place: int  # number of the row, from 0
    column: str
    cell: str  # text of the cell; empty if it is missing
    reason: str


def fill_and_check_parts(
    contract: Contract, columns: dict[str, pa.Array], accepted: np.ndarray, are_allowed: AreAllowed
) -> Iterator[PartFault]:
    """Fill in missing parts of times, and yield each fault.

    Args:
        contract: names the columns that are parts of a time.
        columns: a column [rows] for each feature. Missing parts are filled in, in place.
        accepted: bool [rows], the rows without a fault so far. It is set to false in place for rows with a fault.
        are_allowed: checks filled-in values against the contract; they were not checked as cells of the file.

    Yields:
        The faults: parts that differ from the time, filled-in parts that the contract does not allow, and required
        parts that are missing together with their time.
    """
    features = {feature.name: feature for feature in contract.features if feature.part}
    for part, clock in contract.time_parts:
        feature, times, written = features[part.name], columns[part.source], columns[part.name]
        filled, contradicts = _fill(part, clock, times, written)
        columns[part.name] = filled
        for place in np.flatnonzero(contradicts).tolist():
            reason = f"expected {part.expectation(times[place].as_py(), clock)}"
            yield PartFault(place=place, column=part.name, cell=str(written[place].as_py()), reason=reason)
        accepted &= ~contradicts
        outside = ~are_allowed(feature, filled) & accepted
        for place in np.flatnonzero(outside).tolist():
            time = times[place].as_py()
            computed = f"{filled[place].as_py()}, computed from {part.source} {time} ({clock.show(time)})"
            reason = f"expected {feature.expectation}, received {computed}"
            yield PartFault(place=place, column=part.name, cell="", reason=reason)
        accepted &= ~outside
        if feature.required:
            lacking = filled.is_null().to_numpy(zero_copy_only=False) & accepted
            reason = f"expected {feature.expectation}, or {part.source}, from which it is computed"
            for place in np.flatnonzero(lacking).tolist():
                yield PartFault(place=place, column=part.name, cell="", reason=reason)
            accepted &= ~lacking


def _fill(part: TimePart, clock: WallClock, times: pa.Array, values: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Return the part's column with missing values computed from the times, and bool [rows]: which values differ."""
    known = ~times.is_null().to_numpy(zero_copy_only=False)
    counted = np.zeros(len(times), np.int64) if pa.types.is_null(times.type) else times.fill_null(0).to_numpy()
    right = part.compute(counted.astype(np.int64), clock.units)
    computed = pa.array(right, pa.int64(), mask=~known)
    if pa.types.is_null(values.type):
        return computed, np.zeros(len(times), bool)
    missing = values.is_null().to_numpy(zero_copy_only=False)
    contradicts = known & ~missing & (values.fill_null(0).to_numpy().astype(np.int64) != right)
    return pc.coalesce(values.cast(pa.int64()), computed), contradicts
