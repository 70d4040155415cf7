"""The section on SkewGate's comparisons: whether serving computes the features that training saw."""

from typing import Any

from pipelines.report.numbers import format_number
from pipelines.runs import Run


def describe_skew(run: Run) -> dict[str, Any]:
    """Describes every comparison, those with differences first.

    Raises:
        RunError: The run did not get to SkewGate.
    """
    report = run.skew_report()
    comparisons = [_describe_comparison(one) for one in report["comparisons"]]
    return {
        "blessed": report["blessed"],
        "rows": report["rows"],
        "batch_sizes": ", ".join(str(size) for size in report["batch_sizes"]),
        "differences": report["differences"],
        "comparisons": sorted(comparisons, key=lambda one: not one["differences"]),
        "latency": report["latency"],
    }


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
    """Describes what was rounding: `590 rows, at most 4.8e-07 (1.0 steps), likely Log1p; 147 rows at an edge`."""
    parts = []
    if rounding and rounding["rows"]:
        likely = f", likely {', '.join(rounding['operations'])}" if rounding["operations"] else ""
        largest = format_number(rounding["largest"])
        parts.append(f"{rounding['rows']:,} rows, at most {largest} ({rounding['steps']:.1f} steps){likely}")
    if rounding and rounding["at_edge"]:
        parts.append(f"{rounding['at_edge']:,} rows at an edge")
    return "; ".join(parts)
