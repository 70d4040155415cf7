"""Read the record of a run: its nodes, its verdicts, and where its artifacts are."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from pipelines.runs.errors import NoOutputError, RunError
from pipelines.runs.intervals import MetricInterval, read_intervals
from pipelines.runs.metadata import Metadata, Step
from pipelines.runs.notes import read_note, read_tags
from pipelines.runs.outcome import explain_outcome
from pipelines.runs.run_record import SUMMARY_FILE, read_record


class RecordedRun:
    """The record of one run. A method raises RunError if the run ended before it wrote what the method reads."""

    def __init__(self, directory: Path, var: Path, metadata: Callable[[], Metadata] | None = None):
        """Read the record.

        Args:
            directory: the run's folder, below `var`/runs.
            var: the folder that the run wrote to.
            metadata: opens the ML Metadata of `var`; several runs may share its result. None: the run opens it.

        Raises:
            RunError: The record is damaged, or of an unknown format.
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
        """The pushed version of this run's model; None if it was not pushed."""
        pushed = self.summary["pushed"]
        return pushed["version"] if pushed else None

    @property
    def outcome(self) -> str:
        """A sentence that says that the model was pushed, or why it was not."""
        return explain_outcome(self.summary)

    def intervals(self) -> dict[str, MetricInterval]:
        """Read the report's intervals of the metrics on all eval rows, by metric; empty if it wrote none."""
        return read_intervals(self.directory)

    @property
    def experiment(self) -> str | None:
        """The name of the run's experiment; None: it was a run that may push."""
        found = self.summary["experiment"]
        return found["name"] if found else None

    @property
    def note(self) -> str | None:
        """The newest note on the run; None: there is none."""
        return read_note(self.directory, self.summary)

    @property
    def tags(self) -> tuple[str, ...]:
        """The run's tags."""
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
        """Return the folder of an artifact that a node wrote, took from the cache, or found as a Resolver.

        Args:
            node: the node's id; see pipelines.nodes.
            key: name of the output, such as "examples".

        Raises:
            RunError: The node wrote no such output, or it was removed.
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
        """Return the outputs of a node by name; raise RunError if it failed or did not run."""
        found = self._nodes.get(node)
        if found is None or found["state"] in ("failed", "skipped"):
            raise NoOutputError(f"{self._missing(node)} nothing; {self._why()}", node)
        return found["outputs"]

    def _missing(self, node: str) -> str:
        """Return the beginning of a message about a missing output."""
        state = self._nodes[node]["state"] if node in self._nodes else "missing"
        words = {
            "failed": "failed and wrote",
            "skipped": "was skipped and wrote",
            "missing": "was not reached, and wrote",
        }
        return f"run {self.id}: {node} {words.get(state, 'wrote')}"

    def _why(self) -> str:
        if not (self.directory / SUMMARY_FILE).exists():
            return "the run is still running, or it was killed; wait until it has ended, or open another run."
        error = (self.summary["error"] or "without an error").splitlines()[0].rstrip(".")
        return f"the run ended as {self.status}: {error}. Open another run."
