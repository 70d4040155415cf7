"""Show the record of a load test as tables."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from benchmarks.serving.record import per_request_ms


def tables(record: Mapping[str, Any]) -> Iterator[Table]:
    """Yield tables of the bare model, the phases, the peers, the swaps and the goals."""
    yield _bare(record["bare_calls"])
    yield _phases("through the servers", record["phases"])
    yield _phases("in turn with other services of the same model", record["peer"])
    swaps = record["swaps"]
    yield _phases(f"{swaps['swaps']} version swaps, {swaps['failed']} failed requests", swaps["phases"])
    yield _goals(record["goals"])


def _bare(calls: list[dict[str, Any]]) -> Table:
    table = _table("the model in this process", "call", "signature", "rows", "p50 ms", "p95 ms", "p99 ms")
    for call in calls:
        table.add_row(call["call"], call["signature"], str(call["batch_rows"]), *_quantiles(call))
    return table


def _phases(title: str, phases: list[dict[str, Any]]) -> Table:
    names = ("transport", "batching", "rows", "callers", "by", "p50 ms", "p95 ms", "p99 ms", "p50 over bare")
    more = (
        "requests/s",
        "predictions/s",
        "failed",
        "CPU ms/request: server",
        "gateway",
        "FastAPI",
        "BentoML",
        "generator",
    )
    table = _table(title, *names, *more)
    for phase in phases:
        over = phase.get("p50_over_signature_call_ms")
        table.add_row(
            phase["transport"],
            phase["batching"],
            str(phase["batch_rows"]),
            str(phase["concurrency"]),
            phase["generator"],
            *_quantiles(phase),
            "" if over is None else f"{over:+.2f}",
            f"{phase['requests_per_second']:,.0f}",
            f"{phase['predictions_per_second']:,.0f}",
            str(phase["failed"]),
            *(f"{per_request_ms(phase, role):.2f}" for role in ("server", "gateway", "peer", "bentoml", "generator")),
        )
    return table


def _goals(goals: list[dict[str, Any]]) -> Table:
    table = _table("goals on two cores", "goal", "bound", "found", "", "how")
    for goal in goals:
        found = "none" if goal["value"] is None else f"{goal['value']:,} {goal['unit']}"
        table.add_row(goal["name"], goal["bound"], found, goal["verdict"], goal["how"])
    return table


def _quantiles(figures: Mapping[str, Any]) -> Iterator[str]:
    for name in ("p50_ms", "p95_ms", "p99_ms"):
        yield f"{figures[name]:.2f}" if name in figures else "none"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, box=None, pad_edge=False, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number and ("ms" in column or "/s" in column) else "left")
    return table
