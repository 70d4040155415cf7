"""Describe SkewGate's comparisons of the features at serving with those at training."""

from collections.abc import Iterator
from typing import Any

from components.skew_gate.coverage import describe_share
from pipelines.report.numbers import format_number
from pipelines.runs import Run


def describe_skew(run: Run) -> dict[str, Any]:
    """Return the content of the section: every comparison, those with differences first.

    Args:
        run: The run to report on.

    Raises:
        RunError: SkewGate did not run.
    """
    report = run.skew_report()
    comparisons = [_describe_comparison(one) for one in report["comparisons"]]
    return {
        "blessed": report["blessed"],
        "rows": report["rows"],
        "batch_sizes": ", ".join(str(size) for size in report["batch_sizes"]),
        "coverage": tuple(_describe_coverage(report)),
        "differences": report["differences"],
        "comparisons": sorted(comparisons, key=lambda one: not one["differences"]),
        "latency": report["latency"],
    }


def _describe_coverage(report: dict[str, Any]) -> Iterator[str]:
    """Yield lines that say which rows were compared how; none for an older report, or if nothing was compared."""
    coverage = report.get("coverage")
    if not coverage:
        return
    *smaller, largest = report["batch_sizes"]
    rows, known = coverage["rows"], coverage["in_all_layouts"]
    sizes = ", ".join(map(str, smaller))
    if known == rows:
        yield f"every row in batches of {sizes} and {largest}"
    else:
        yield f"every row in batches of {largest}; {known:,} rows also in batches of {sizes}"
        yield _describe_sample(coverage)
    if coverage["presumed"]:
        yield (
            f"{coverage['asked_again']:,} of {coverage['asked_again'] + coverage['presumed']:,} rows that differ in "
            f"batches of {largest} were also compared in smaller batches; if these differ only by rounding, the rest "
            "counts as rounding, too"
        )
    yield f"by the model server: {coverage['by_server']:,} rows, {coverage['singly']:,} of them also one by one"


def _describe_sample(coverage: dict[str, Any]) -> str:
    """Describe the sample: `1,400 drawn at random (…), 23 for extremes, 12 that differed in large batches`."""
    parts = [f"{coverage['drawn']:,} drawn at random ({describe_share(coverage, 'share_found')})"]
    for name, count in coverage["strata"].items():
        left_out = coverage["left_out"][name]
        parts.append(f"{count:,} for {name}" + (f" ({left_out:,} more left out)" if left_out else ""))
    parts.append(f"{coverage['asked_again']:,} that differed in large batches")
    return "of these " + ", ".join(parts)


def _describe_comparison(one: dict[str, Any]) -> dict[str, Any]:
    worst = one["worst"]
    sides = ", ".join(f"{side} {value}" for side, value in worst["values"].items()) if worst else ""
    return {
        "name": one["name"],
        "rule": one["rule"],
        "rows": one["rows"],
        "differences": one["differences"],
        "rounding": _describe_rounding(one.get("rounding")),  # None: an older report
        "worst": one["problem"]
        or (f"row {worst['row']}: {sides} (by {format_number(worst['distance'])})" if worst else ""),
    }


def _describe_rounding(rounding: dict[str, Any] | None) -> str:
    """Describe the rounding differences: `590 rows, at most 4.8e-07 (1.0 steps), likely Log1p; 147 rows at an edge`."""
    parts = []
    if rounding and rounding["rows"]:
        likely = f", likely {', '.join(rounding['operations'])}" if rounding["operations"] else ""
        largest = format_number(rounding["largest"])
        parts.append(f"{rounding['rows']:,} rows, at most {largest} ({rounding['steps']:.1f} steps){likely}")
    if rounding and rounding["at_edge"]:
        parts.append(f"{rounding['at_edge']:,} rows at an edge")
    return "; ".join(parts)
