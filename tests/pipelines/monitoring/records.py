"""Records of looks at the traffic, made up for tests of what is told of them."""

import datetime

from pipelines.monitoring.record import MonitoringRecord, empty_report
from pipelines.monitoring.time_window import TimeWindow

FINDING = {
    "column": "fare",
    "test": "order",
    "version": "17",
    "window": "window",
    "reference": "training",
    "p_value": 1e-9,
    "adjusted_p_value": 1e-7,
    "observed": "median 9",
    "expected": "median 8",
}


def made_record(verdict: str, *, rows: int = 1000) -> MonitoringRecord:
    """A record with that verdict, of so many answered rows and five unanswered ones."""
    end = datetime.datetime(2026, 3, 15, tzinfo=datetime.UTC)
    report = empty_report({"200": rows, "503": 5} if rows else {}) | {
        "verdict": verdict,
        "rows": {"window": rows, "before": rows},
        "tests": 140,
        "least_shift": 0.076 if rows else None,
        "findings": [FINDING, FINDING | {"adjusted_p_value": 0.0, "window": "both windows"}]
        if verdict == "alarm"
        else [],
        "versions": [
            {"version": "17", "rows": rows, "requests": rows, "prediction_mean": 0.2, "decided_yes": 0.25}
            | {"p50_ms": 4.0, "p95_ms": 8.0, "p99_ms": 12.0, "known": True, "training_rows": 9000}
            | {"statistics": "/artifacts/statistics/7", "training_examples": []}
        ]
        if rows
        else [],
    }
    return MonitoringRecord(
        run_id="20260315-000000",
        task="taxi",
        started="2026-03-15T00:00:00+00:00",
        log="/log",
        window=TimeWindow(end=end, length=datetime.timedelta(days=7)),
        report=report,
    )
