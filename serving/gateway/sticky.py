"""What a caller is known by, so that it keeps its side of a canary: a header of the request, or a field of its row."""

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Literal, Self

from serving.contract import Contract, Row
from serving.did_you_mean import suggestion

PATTERN = r"^(header:[A-Za-z0-9!#$%&'*+.^_`|~-]+|field:.+)$"  # RFC 9110's characters of a header's name


@dataclasses.dataclass(frozen=True)
class StickyKey:
    """Where the value stands that decides on a caller's side."""

    kind: Literal["header", "field"]
    name: str

    @classmethod
    def parse(cls, text: str, contract: Contract) -> Self:
        """Read `header:NAME` or `field:NAME`, as PATTERN has it.

        Raises:
            ValueError: The contract has no such field.
        """
        kind, _, name = text.partition(":")
        fields = [feature.name for feature in contract.features]
        if kind == "field" and name not in fields:
            raise ValueError(f"sticky: {text}: no field of this name; {suggestion(name, fields)}")
        return cls("header" if kind == "header" else "field", name)

    def value(self, headers: Mapping[str, str], row: Row) -> str | None:
        """Return what the caller is known by; None where the header or the field is missing or empty.

        Args:
            headers: of the request; names in any case.
            row: the request's first.
        """
        found = headers.get(self.name) if self.kind == "header" else row.get(self.name)
        return None if found is None or found == "" else str(found)


def percentile(salt: str, caller: str) -> float:
    """Return a caller's place, from 0 to below 100; while the canary's percent is above it, the caller goes there.

    Places are spread evenly and do not depend on the percent: a higher one adds callers and takes none away. Every
    replica computes the same. Other salts give other places, so that it is not the same callers who try every task.
    """
    digest = hashlib.sha256(f"{salt}\0{caller}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48 * 100  # 48 bits: a float holds each exactly, and none becomes 100
