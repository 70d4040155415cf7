"""Folders of runs with a summary.json, written by the runner's own Summary."""

from pathlib import Path

from pipelines.runner.results import NodeResult, OutputArtifact, Verdict
from pipelines.runner.summary import Summary


def written(key: str, uri: Path | str) -> OutputArtifact:
    return OutputArtifact(key=key, type_name="Any", uri=str(uri), properties={})


def ran(node: str, *outputs: OutputArtifact, state: str = "ran", summary: str = "") -> NodeResult:
    error = RuntimeError("it broke") if state == "failed" else None
    return NodeResult(node=node, state=state, seconds=1.5, outputs=outputs, summary=summary, error=error)


def summary(run_id: str, *nodes: NodeResult, task: str = "taxi", status: str = "pushed") -> Summary:
    return Summary(
        run_id=run_id,
        task=task,
        data="/data",
        started="2026-11-21T09:23:01+00:00",
        source_digest="d0",
        seconds=61.25,
        status=status,
        nodes=list(nodes),
        rows={"train": 10_009, "eval": 4_993},
        metrics={"overall": {"auc": 0.95, "example_count": 4993.0}, "pay = Cash": {"auc": None, "example_count": 9.0}},
        verdicts=[Verdict(gate="Evaluator", passed=True, reasons=("auc on overall is 0.9500: at least 0.94",))],
        pushed_version="1795253025" if status == "pushed" else None,
        error="Trainer: it broke" if status == "failed" else None,
    )


def write(var: Path, *summaries: Summary) -> None:
    """Writes each, and makes the last one `latest`."""
    for one in summaries:
        directory = var / "runs" / one.run_id
        directory.mkdir(parents=True)
        one.write(directory)
    latest = var / "runs" / "latest"
    latest.unlink(missing_ok=True)
    latest.symlink_to(summaries[-1].run_id)
