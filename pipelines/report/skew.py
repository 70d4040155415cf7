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
        "tolerance": report["tolerance"],
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
        "worst": one["problem"]
        or (f"row {worst['row']}: {sides} (by {format_number(worst['distance'])})" if worst else ""),
    }
