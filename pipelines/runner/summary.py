"""Define summary.json, the run's public record. docs/reference/summary.md describes its format.

It loads without TFX, so that a run that cannot load TFX is recorded.
"""

import dataclasses
import importlib.metadata
import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.evaluation.slices import SliceMetrics
from pipelines.explain import explain
from pipelines.runner.results import Latency, NodeResult, Verdict
from serving.durable_file import write_whole

if TYPE_CHECKING:
    from pipelines.modeling.vocabularies import Coverage
    from pipelines.review.state import ReviewState

FORMAT = 2  # raise it with each change of the format; pipelines.runs.run_record upgrades older records
PUSHED, UNCHANGED, REFUSED, FAILED, INTERRUPTED = "pushed", "unchanged", "refused", "failed", "interrupted"
TIE, EXPERIMENT = "tie", "experiment"  # a run that ended well, and pushed nothing
_STACK = ("tfx", "tensorflow", "keras", "apache-beam", "tensorflow-transform", "tensorflow-model-analysis")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SeedScore:
    """The expected score of a training with a new seed, on training rows that are held out from it."""

    metric: str
    trainings: int  # that finished
    value: float
    low: float  # of the 95% interval
    high: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment:
    """Why a run was made that pushes nothing, as the user said when it began."""

    name: str
    note: str | None
    tags: Sequence[str]
    seeds: Sequence[SeedScore] = ()  # by measure; empty: it was trained once


@dataclasses.dataclass(kw_only=True)
class Summary:
    """The record of a run: filled in while it runs, and written when it ends, also after an error."""

    run_id: str
    task: str
    data: str  # what was read
    started: str  # UTC, ISO 8601
    experiment: Experiment | None = None  # None: a run that may push
    data_fingerprint: str = ""  # of the content of the files; empty for several spans, of which each has its own
    source_digest: str = ""  # of the task's and the components' code
    task_files: Mapping[str, str] = dataclasses.field(default_factory=dict)  # name -> SHA-256
    review: "ReviewState | None" = None  # of the task's files; None: the task could not be loaded
    review_required: bool = False
    seconds: float = 0.0
    status: str = FAILED  # until it is known; one of the constants above
    nodes: list[NodeResult] = dataclasses.field(default_factory=list)
    unread_files: Sequence[str] = ()  # names of the files in the folder of the data that are not read
    rows: dict[str, int] = dataclasses.field(default_factory=dict)  # split -> rows
    split: str = ""  # how the rows were split, in words
    spans: Sequence[Mapping[str, Any]] = ()  # of the rows, with version, rows and fingerprint; empty for files
    metrics: SliceMetrics = dataclasses.field(default_factory=dict)
    latency: Latency = dataclasses.field(default_factory=dict)
    vocabularies: "Mapping[str, Coverage]" = dataclasses.field(default_factory=dict)
    verdicts: Sequence[Verdict] = ()
    comparison: Mapping[str, Any] | None = None  # with the models pushed before; None: BetterGate wrote none
    schema_differences: Sequence[str] = ()
    pushed_version: str | None = None
    pushed_to: str | None = None
    signed_by: str | None = None  # id of the key that the version was signed with
    not_pushed: str | None = None  # why a run whose gates decided pushed nothing
    report_path: str | None = None
    report_error: str | None = "the run ended before its report was written"  # until it is written
    error: str | None = None  # why the run failed or was interrupted; None: it was not

    @property
    def results(self) -> dict[str, NodeResult]:
        """The results of the nodes that have ended, by node."""
        return {result.node: result for result in self.nodes}

    def fail(self, reason: str) -> None:
        """Set the status to failed, and add the reason to the errors recorded before."""
        self.status = FAILED
        if reason not in (self.error or ""):
            self.error = f"{self.error}\n{reason}" if self.error else reason

    def write(self, directory: Path) -> Path:
        """Write summary.json, completely or not at all, and return its path."""
        path = directory / "summary.json"
        write_whole(path, json.dumps(self.as_dict(), indent=2, allow_nan=False) + "\n")
        return path

    def as_dict(self) -> dict[str, Any]:
        """Return the record in the format of docs/reference/summary.md."""
        return {
            "format": FORMAT,
            "run_id": self.run_id,
            "task": self.task,
            "status": self.status,
            "started": self.started,
            "seconds": round(self.seconds, 2),
            "experiment": None if self.experiment is None else _experiment_fields(self.experiment),
            "data": self.data,
            "data_fingerprint": self.data_fingerprint,
            "unread_files": list(self.unread_files),
            "rows": self.rows,
            "split": self.split,
            "spans": list(self.spans),
            "source_digest": self.source_digest,
            "task_files": dict(self.task_files),
            "review": None if self.review is None else _review_fields(self.review, self.review_required),
            "stack": read_stack_versions(),
            "nodes": [_node_fields(result) for result in self.nodes],
            "gates": [
                {"gate": verdict.gate, "passed": verdict.passed, "reasons": list(verdict.reasons)}
                for verdict in self.verdicts
            ],
            "comparison": self.comparison,
            "metrics": self.metrics,
            "latency": self.latency,
            "vocabularies": {name: dataclasses.asdict(one) for name, one in self.vocabularies.items()},
            "schema_differences": list(self.schema_differences),
            "pushed": None
            if self.pushed_version is None
            else {
                "version": self.pushed_version,
                "path": self.pushed_to,
                "new": self.status == PUSHED,
                "signed_by": self.signed_by,
            },
            "not_pushed": self.not_pushed,
            "report": {"path": self.report_path, "error": self.report_error},
            "error": self.error,
        }


def read_stack_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries on which the results of a run depend."""
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in _STACK}


def _experiment_fields(experiment: Experiment) -> dict[str, Any]:
    return {
        "name": experiment.name,
        "note": experiment.note,
        "tags": list(experiment.tags),
        "seeds": [dataclasses.asdict(score) for score in experiment.seeds],
    }


def _review_fields(found: "ReviewState", required: bool) -> dict[str, Any]:
    review = found.review
    return {
        "required": required,
        "state": found.state,
        "reason": found.reason,
        "reviewer": review and review.reviewer,
        "date": review and review.date,
        "run_id": review and review.run,
        "note": review and review.note,
    }


def _node_fields(result: NodeResult) -> dict[str, Any]:
    return {
        "id": result.node,
        "state": result.state,
        "started": result.started.isoformat(timespec="milliseconds") if result.started else "",
        "seconds": round(result.seconds, 2),
        "summary": result.summary,
        "outputs": {
            output.key: {"type": output.type_name, "uri": output.uri, "properties": output.properties}
            for output in result.outputs
        },
        "error": None if result.error is None else explain(result.error),
    }
