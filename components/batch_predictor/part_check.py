"""Holds columns that are parts of a time against it, and fills in those that are left out, as the gateway does.

The rule is the contract's (serving/contract/time_parts.py).
"""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from serving.contract import Contract, Feature
from serving.contract.time_parts import TimePart, WallClock

AreAllowed = Callable[[Feature, pa.Array], np.ndarray]  # bool [rows]: which values the contract allows; null too


@dataclasses.dataclass(frozen=True, kw_only=True)
class PartFault:
    """A part that a row cannot have."""

    place: int  # of the row, from 0
    column: str
    cell: str  # as it is written; empty where nothing is
    reason: str


def hold_parts(
    contract: Contract, columns: dict[str, pa.Array], accepted: np.ndarray, are_allowed: AreAllowed
) -> Iterator[PartFault]:
    """Yield each fault; changes what it is given.

    Args:
        contract: says which columns are parts of which time.
        columns: by feature, [rows] each. Parts that the time tells are filled in.
        accepted: bool [rows], which rows have no fault so far. Those with one of these faults are taken out.
        are_allowed: checks what is filled in, which no check of the file's cells has seen.
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
            told = f"{filled[place].as_py()}, as {part.source} {time} ({clock.show(time)}) tells"
            reason = f"expected {feature.expectation}, received {told}"
            yield PartFault(place=place, column=part.name, cell="", reason=reason)
        accepted &= ~outside
        if feature.required:
            lacking = filled.is_null().to_numpy(zero_copy_only=False) & accepted
            reason = f"expected {feature.expectation}, or {part.source}, which tells it"
            for place in np.flatnonzero(lacking).tolist():
                yield PartFault(place=place, column=part.name, cell="", reason=reason)
            accepted &= ~lacking


def _fill(part: TimePart, clock: WallClock, times: pa.Array, values: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Return the part's column with what its times tell filled in, and bool [rows]: where it contradicts them."""
    known = ~times.is_null().to_numpy(zero_copy_only=False)
    counted = np.zeros(len(times), np.int64) if pa.types.is_null(times.type) else times.fill_null(0).to_numpy()
    right = part.compute(counted.astype(np.int64), clock.units)
    told = pa.array(right, pa.int64(), mask=~known)
    if pa.types.is_null(values.type):
        return told, np.zeros(len(times), bool)
    missing = values.is_null().to_numpy(zero_copy_only=False)
    contradicts = known & ~missing & (values.fill_null(0).to_numpy().astype(np.int64) != right)
    return pc.coalesce(values.cast(pa.int64()), told), contradicts
