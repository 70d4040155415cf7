"""Identify callers during a canary, by a header of the request or a field of its row: each keeps its version."""

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Literal, Self

from serving.contract import Contract, Row
from serving.did_you_mean import suggestion

PATTERN = r"^(header:[A-Za-z0-9!#$%&'*+.^_`|~-]+|field:.+)$"  # RFC 9110's characters of a header's name


@dataclasses.dataclass(frozen=True)
class StickyKey:
    """The header or field that identifies the caller."""

    kind: Literal["header", "field"]
    name: str

    @classmethod
    def parse(cls, text: str, contract: Contract) -> Self:
        """Read `header:NAME` or `field:NAME`, as PATTERN defines.

        Args:
            text: the setting.
            contract: its features are the possible fields.

        Returns:
            The key.

        Raises:
            ValueError: The contract has no such field.
        """
        kind, _, name = text.partition(":")
        fields = [feature.name for feature in contract.features]
        if kind == "field" and name not in fields:
            raise ValueError(f"sticky: {text}: no field of this name; {suggestion(name, fields)}")
        return cls("header" if kind == "header" else "field", name)

    def value(self, headers: Mapping[str, str], row: Row) -> str | None:
        """Return the caller's value; None if the header or the field is missing or empty.

        Args:
            headers: of the request; names in any case.
            row: the request's first row.

        Returns:
            The value as text.
        """
        found = headers.get(self.name) if self.kind == "header" else row.get(self.name)
        return None if found is None or found == "" else str(found)


def percentile(salt: str, caller: str) -> float:
    """Return a caller's place, from 0 to below 100. A canary takes all callers whose place is below its percent.

    Places are uniform and do not depend on the percent: a higher percent adds callers and removes none. Every replica
    computes the same places. Another salt gives other places, so that different callers try each task's canary.

    Args:
        salt: the task's name.
        caller: the value that identifies the caller.

    Returns:
        The place.

    Example:
        >>> percentile("taxi", "rider 17") == percentile("taxi", "rider 17")
        True
        >>> 0 <= percentile("taxi", "rider 17") < 100
        True
    """
    digest = hashlib.sha256(f"{salt}\0{caller}".encode()).digest()
    # 48 bits: a float represents each exactly, and none is rounded to 100
    return int.from_bytes(digest[:6]) / 2**48 * 100
