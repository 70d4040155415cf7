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


def test_what_was_compared_how() -> None:
    coverage = {
        "rows": 100_000,
        "in_all_layouts": 1435,
        "drawn": 1400,
        "strata": {"extremes": 20, "rare values": 10},
        "left_out": {"extremes": 0, "rare values": 3},
        "asked_again": 5,
        "presumed": 0,
        "by_server": 1430,
        "singly": 128,
        "share_found": 0.004922,
        "confidence": 0.999,
    }
    report = {"blessed": True, "rows": 100_000, "batch_sizes": [1, 7, 512], "differences": 0, "latency": {}}
    report |= {"comparisons": [], "coverage": coverage}

    def said() -> list[str]:
        return list(describe_skew(SimpleNamespace(skew_report=lambda: report))["coverage"])

    by_server = "by the model server: 1,430 rows, 128 of them also one by one"
    assert said() == [
        "every row in batches of 512; 1,435 rows also in batches of 1, 7",
        "of these 1,400 drawn at random (a skew in 0.50% of all rows is found with 99.9% probability), 20 for "
        "extremes, 10 for rare values (3 more left out), 5 that differed in large batches",
        by_server,
    ]
    coverage["presumed"] = 20
    assert said()[2] == (
        "5 of 25 rows that differ in batches of 512 were also compared in smaller batches; if these differ only by "
        "rounding, the rest counts as rounding, too"
    )
    coverage |= {"in_all_layouts": 100_000, "presumed": 0}
    assert said() == ["every row in batches of 1, 7 and 512", by_server]
    report["coverage"] = None
    assert said() == []
