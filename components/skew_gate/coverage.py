"""Says what was compared in full and what by sample, and what a sample of that size finds."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

# A sample's claim: a skew in the share of rows that it names is found with this probability.
CONFIDENCE = 0.999


def smallest_share_found(drawn: int) -> float:
    """Returns which share of all rows a skew must have, so that a draw of so many rows holds one with CONFIDENCE.

    (1 - share) ** drawn = 1 - CONFIDENCE, for a draw with replacement; one without, as SkewGate's, finds no less.
    """
    return 1.0 if drawn < 1 else float(1 - (1 - CONFIDENCE) ** (1 / drawn))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Coverage:
    """Which rows were compared how.

    Attributes:
        rows: all of them; each was compared once, in batches of `batch_size`.
        batch_size: the largest.
        in_all_layouts: rows that were compared at every batch size.
        drawn: those of them that were drawn at random.
        strata: stratum -> rows that were added to the drawn ones: rare values, and the like.
        left_out: stratum -> rows that it has beside these, for which there was no room.
        asked_again: rows that were added since they differed in batches of `batch_size`.
        presumed: rows that differed so, too, and were not asked for again; they pass if all of `asked_again` do.
        by_server: rows that the model server predicted, over every transport.
        drawn_by_server: those of them that were drawn at random.
        singly: rows that it predicted one by one.
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
        """Returns it for JSON, with the shares of rows that are found; 0 where every row was compared."""
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
    """Says over which rows a model has no differences, a sentence for each way.

    Args:
        report: of a blessed model, as report.json holds it.
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
            f"{coverage['presumed']:,} more rows differ in batches of {largest} as {coverage['asked_again']:,} do that "
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
    """Words a sample's claim: `a skew in 0.50% of all rows is found with 99.9%`; the share is rounded up."""
    least = math.ceil(1e4 * coverage[share]) / 1e4
    return f"a skew in {least:.2%} of {kind} rows is found with {coverage['confidence']:.1%}"
