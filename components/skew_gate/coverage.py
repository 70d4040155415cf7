"""Describe which rows were compared in full and which by sample, and which skew a sample of that size finds."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

# The probability with which a sample finds a skew that is in at least the share of rows that is stated.
CONFIDENCE = 0.999


def smallest_share_found(drawn: int) -> float:
    """Return the smallest share of all rows in which a skew is found with probability CONFIDENCE.

    It solves (1 - share) ** drawn = 1 - CONFIDENCE, which holds for a draw with replacement. A draw without
    replacement, such as SkewGate's, finds a skew at least as often.

    Args:
        drawn: number of rows drawn at random.

    Example:
        >>> round(smallest_share_found(1400), 4)
        0.0049
        >>> smallest_share_found(0)
        1.0
    """
    return 1.0 if drawn < 1 else float(1 - (1 - CONFIDENCE) ** (1 / drawn))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Coverage:
    """How many rows were compared in which way.

    Attributes:
        rows: all rows; each was compared in batches of `batch_size`.
        batch_size: the largest batch size.
        in_all_layouts: rows that were compared at every batch size.
        drawn: those of `in_all_layouts` that were drawn at random.
        strata: stratum -> rows that were added to the drawn ones, such as rows with rare values.
        left_out: stratum -> further rows of it that were not added, because the number of rows is limited.
        asked_again: rows that were compared at every batch size because they differed in batches of `batch_size`.
        presumed: further rows that differed in this way and were not compared again; they pass if all of `asked_again`
            do.
        by_server: rows that the model server predicted, over every transport.
        drawn_by_server: those of `by_server` that were drawn at random.
        singly: rows that the model server also predicted one by one.
    """

    rows: int
    batch_size: int
    in_all_layouts: int
    drawn: int
    strata: Mapping[str, int]
    left_out: Mapping[str, int]
    asked_again: int
    presumed: int
    by_server: int
    drawn_by_server: int
    singly: int

    def as_dict(self) -> dict[str, object]:
        """Return JSON values, with the smallest shares of rows in which a skew is found; 0 if all were compared."""
        return {
            **dataclasses.asdict(self),
            "confidence": CONFIDENCE,
            "share_found": 0.0 if self.drawn == self.rows else smallest_share_found(self.drawn),
            "share_found_by_server": (
                0.0 if self.by_server == self.rows else smallest_share_found(self.drawn_by_server)
            ),
            "share_found_of_presumed": smallest_share_found(self.asked_again) if self.presumed else 0.0,
        }


def describe_coverage(report: Mapping[str, Any]) -> Iterator[str]:
    """Describe over which rows a model has no differences.

    Args:
        report: of a blessed model, as in report.json.

    Yields:
        One sentence per way of comparing.
    """
    coverage, rows = report["coverage"], report["rows"]
    *smaller, largest = map(str, report["batch_sizes"])
    features = f"{sum(one['name'].startswith('feature ') for one in report['comparisons'])} features"
    if not coverage["share_found"]:
        yield f"0 differences over {rows:,} rows, {features} and batch sizes {', '.join([*smaller, largest])}"
    else:
        yield f"0 differences over {rows:,} rows and {features} in batches of {largest}"
        yield (
            f"0 differences over {coverage['in_all_layouts']:,} of them in batches of {', '.join(smaller)}: "
            f"{describe_share(coverage, 'share_found')}"
        )
    if coverage["presumed"]:
        yield (
            f"{coverage['presumed']:,} more rows differ in batches of {largest}, like {coverage['asked_again']:,} that "
            f"rounding explains: {describe_share(coverage, 'share_found_of_presumed', 'such')}"
        )
    by = ", ".join(report["latency"])
    singly = f"{coverage['singly']:,} of them also one by one"
    if not coverage["share_found_by_server"]:
        yield f"0 differences over {rows:,} rows by {by}; {singly}"
    else:
        found = describe_share(coverage, "share_found_by_server")
        yield f"0 differences over {coverage['by_server']:,} of {rows:,} rows by {by}: {found}; {singly}"


def describe_share(coverage: Mapping[str, Any], share: str, kind: str = "all") -> str:
    """Return a sentence about the skew that a sample finds; the share is rounded up.

    Args:
        coverage: as `Coverage.as_dict` returns it.
        share: the key of the share.
        kind: of which rows it is a share.

    Example:
        >>> describe_share({"share_found": 0.00492, "confidence": 0.999}, "share_found")
        'a skew in 0.50% of all rows is found with 99.9% probability'
    """
    least = math.ceil(1e4 * coverage[share]) / 1e4
    return f"a skew in {least:.2%} of {kind} rows is found with {coverage['confidence']:.1%} probability"
