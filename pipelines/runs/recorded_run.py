"""The recorded part of a run: its nodes, its verdicts, and where its artifacts are."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from pipelines.runs.errors import RunError
from pipelines.runs.intervals import MetricInterval, read_intervals
from pipelines.runs.metadata import Metadata, Step
from pipelines.runs.notes import read_note, read_tags
from pipelines.runs.outcome import explain_outcome
from pipelines.runs.run_record import SUMMARY_FILE, read_record


class RecordedRun:
    """The record of one run. Where it did not get to what is asked for, RunError says so."""

    def __init__(self, directory: Path, var: Path, metadata: Callable[[], Metadata] | None = None):
        """Read the record.

        Args:
            directory: of the run, below `var`/runs.
            var: the folder that the run wrote to.
            metadata: opens the ML Metadata below `var`; many runs may share what it returns. None: the run opens it.

        Raises:
            RunError: The record cannot be understood.
        """
        self.directory = directory
        self.id = directory.name
        database = var / "metadata.sqlite"
        self._open_metadata = metadata or functools.partial(Metadata, database)
        self.summary: dict[str, Any] = read_record(directory, database)  # docs/reference/summary.md
        self.task: str = self.summary["task"]
        self.status: str = self.summary["status"]
        self.started: str = self.summary["started"]  # UTC, ISO 8601
        self._nodes = {node["id"]: node for node in self.summary["nodes"]}

    def __repr__(self) -> str:
        return f"Run({self.id}, task={self.task}, status={self.status})"

    @property
    def version(self) -> str | None:
        """The pushed version that serves this run's model; None where none does."""
        pushed = self.summary["pushed"]
        return pushed["version"] if pushed else None

    @property
    def outcome(self) -> str:
        """Says in a sentence that the model was pushed, or why it was not."""
        return explain_outcome(self.summary)

    def intervals(self) -> dict[str, MetricInterval]:
        """Read the intervals of the metrics on all eval rows that the report computed; empty where it kept none."""
        return read_intervals(self.directory)

    @property
    def experiment(self) -> str | None:
        """The name of the experiment that the run was made for; None: a run that could push."""
        found = self.summary["experiment"]
        return found["name"] if found else None

    @property
    def note(self) -> str | None:
        """What somebody said of the run, the newest; None: nobody did."""
        return read_note(self.directory, self.summary)

    @property
    def tags(self) -> tuple[str, ...]:
        """Words to find the run by."""
        return read_tags(self.directory, self.summary)

    def nodes(self) -> pd.DataFrame:
        """Return the nodes in the pipeline's order: columns node, state, seconds, summary."""
        rows = [(node["id"], node["state"], node["seconds"], node["summary"]) for node in self.summary["nodes"]]
        return pd.DataFrame(rows, columns=["node", "state", "seconds", "summary"])

    def gates(self) -> pd.DataFrame:
        """Return the verdicts: columns gate, passed (True, False; None: it did not decide), reasons (list)."""
        rows = [(gate["gate"], gate["passed"], gate["reasons"]) for gate in self.summary["gates"]]
        return pd.DataFrame(rows, columns=["gate", "passed", "reasons"]).astype({"passed": object})

    def artifact(self, node: str, key: str) -> Path:
        """Return the folder of what a node wrote, took from the cache, or found as a resolver.

        Raises:
            RunError: The node wrote no such thing, or it is gone.
        """
        outputs = self._outputs(node)
        if key not in outputs:
            raise RunError(f"{self._missing(node)} no {key!r}; expected one of {sorted(outputs)}")
        path = Path(outputs[key]["uri"])
        if not path.exists():
            raise RunError(
                f"run {self.id}: what {node} wrote as {key!r} is gone: expected it at {path}; run the pipeline again."
            )
        return path

    @functools.cached_property
    def _metadata(self) -> Metadata:
        return self._open_metadata()

    @functools.cached_property
    def _steps(self) -> list[Step]:
        return self._metadata.list_steps(self.id)

    def _outputs(self, node: str) -> dict[str, Any]:
        """Raise RunError where the run did not get to that node."""
        found = self._nodes.get(node)
        if found is None or found["state"] in ("failed", "skipped"):
            raise RunError(f"{self._missing(node)} nothing; {self._why()}")
        return found["outputs"]

    def _missing(self, node: str) -> str:
        """Begin the sentence that says what is missing."""
        state = self._nodes[node]["state"] if node in self._nodes else "missing"
        words = {
            "failed": "failed and wrote",
            "skipped": "was skipped and wrote",
            "missing": "was not reached, and wrote",
        }
        return f"run {self.id}: {node} {words.get(state, 'wrote')}"

    def _why(self) -> str:
        if not (self.directory / SUMMARY_FILE).exists():
            return "the run goes on, or it was killed; wait for its end, or open another run."
        return f"the run ended as {self.status}: {self.summary['error'] or 'without an error'}; open another run."
