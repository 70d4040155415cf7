"""The report's section on SkewGate."""

from types import SimpleNamespace
from typing import Any

from pipelines.report.skew import describe_skew


def described(**rounding: Any) -> list[str]:
    """What the section says of rounding; one comparison of a run of today, and one of an older run."""
    comparison = {"name": "feature fare", "rule": "equal", "rows": 9, "differences": 0, "problem": None, "worst": None}
    counts = {"rows": 0, "largest": 0.0, "steps": 0.0, "at_edge": 0, "operations": ["Log1p", "Sum"]}
    report = {"blessed": True, "rows": 9, "batch_sizes": [1, 7], "differences": 0, "latency": {}}
    report["comparisons"] = [comparison | {"rounding": counts | rounding}, comparison]
    return [one["rounding"] for one in describe_skew(SimpleNamespace(skew_report=lambda: report))["comparisons"]]


def test_rounding_is_described_with_what_it_is_likely_from() -> None:
    assert described() == ["", ""]
    assert described(rows=4293, largest=0.25, steps=4.07) == [
        "4,293 rows, at most 0.25 (4.1 steps), likely Log1p, Sum",
        "",
    ]
    assert described(rows=2, largest=0.25, steps=1.0, operations=[]) == ["2 rows, at most 0.25 (1.0 steps)", ""]
    assert described(at_edge=147) == ["147 rows at an edge", ""]
