"""Put verdicts, tests and findings into words, for the terminal and the page."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from components.traffic_monitor.verdicts import ALARM, TOO_FEW, UNCHANGED
from pipelines.monitoring.record import MonitoringRecord

_TESTS = {
    "missing": "more or fewer values missing",
    "distribution": "other shares of values",
    "order": "larger or smaller values",
    "unseen": "values that are not in the training rows",
    "spike": "one value more often",
    "copies": "rows that repeat another row",
    "unanswered": "requests without an answer",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class VerdictWords:
    """A verdict in words."""

    word: str
    css_class: str
    style: str  # of rich
    sentence: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class FindingWords:
    """A finding in words."""

    column: str
    what: str
    observed: str  # in the window
    expected: str  # the rows that were compared with, and their value
    p: str  # adjusted by Holm's method


def describe_test(test: str) -> str:
    """Return what a test finds, in words."""
    return _TESTS[test]


def clearest_findings(findings: Sequence[Mapping[str, Any]]) -> list[FindingWords]:
    """Return the finding with the smallest p-value for each column and test, the smallest first."""
    best: dict[tuple[str, str], Mapping[str, Any]] = {}
    for one in sorted(findings, key=lambda found: found["adjusted_p_value"]):
        best.setdefault((one["column"], one["test"]), one)
    return [
        FindingWords(
            column=one["column"] or "all rows",
            what=_TESTS[one["test"]],
            observed=one["observed"],
            expected=f"{one['reference']}: {one['expected']}",
            p=f"{one['adjusted_p_value']:.1g}" if one["adjusted_p_value"] else "<1e-300",
        )
        for one in best.values()
    ]


def describe_verdict(record: MonitoringRecord) -> VerdictWords:
    """Return the verdict in words."""
    report = record.report
    rows = f"{report['rows']['window']:,} rows"
    if record.verdict == ALARM:
        columns = sorted({one["column"] or "all rows" for one in report["findings"]})
        broken = sorted({one["column"] or "all rows" for one in report["anomalies"]})
        parts = [f"{_listed(columns)} changed by more than chance."] if columns else []
        parts += [f"{_listed(broken)} broke the contract."] if broken else []
        return VerdictWords(word="Alarm", css_class="bad", style="bold red", sentence=" ".join(parts))
    if record.verdict == UNCHANGED:
        sentence = f"Nothing in {rows} differs by more than chance."
        return VerdictWords(word="Unchanged", css_class="good", style="green", sentence=sentence)
    if record.verdict == TOO_FEW:
        sentence = f"No test found a change, but {rows} show only large changes."
        return VerdictWords(word="Too few rows to judge", css_class="warn", style="yellow", sentence=sentence)
    sentence = "No row was answered in the window."
    return VerdictWords(word="Empty window", css_class="warn", style="yellow", sentence=sentence)


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
