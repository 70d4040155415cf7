"""Store the result of each node of a run as a JSON file in the run's folder, for the run's later processes."""

import dataclasses
import datetime
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from components.anomaly_gate.component import AnomalyError
from components.anomaly_gate.findings import Finding
from pipelines.explain import explain
from pipelines.modeling.vocabularies import Coverage
from pipelines.runner.results import NodeResult, OutputArtifact
from serving.durable_file import write_whole

Vocabularies = Mapping[str, Coverage]


class RecordedError(RuntimeError):
    """The error of a node that ran in another process, with the message recorded there."""


class NodeRecords:
    """The stored results of the nodes of one run."""

    def __init__(self, directory: Path):
        """Remember the folder; read nothing yet.

        Args:
            directory: of the run.
        """
        self._folder = directory / "nodes"

    def write(self, result: NodeResult, vocabularies: Vocabularies) -> None:
        """Store a node's result.

        Args:
            result: of a node that has ended, well or not.
            vocabularies: coverage of each vocabulary, measured after Transform; empty for other nodes.
        """
        self._folder.mkdir(exist_ok=True)
        measured = {name: dataclasses.asdict(one) for name, one in vocabularies.items()}
        record = _as_record(result) | {"vocabularies": measured}
        write_whole(self._file(result.node), json.dumps(record, indent=1) + "\n")

    def remove(self, node: str) -> None:
        """Remove a node's result, before the node runs again."""
        self._file(node).unlink(missing_ok=True)

    def read(self, nodes: Iterable[str]) -> tuple[list[NodeResult], Vocabularies]:
        """Return the results of the nodes that have ended, in the given order, and the vocabularies' coverage."""
        results: list[NodeResult] = []
        vocabularies: dict[str, Coverage] = {}
        for node in nodes:
            if self._file(node).is_file():
                record = json.loads(self._file(node).read_text())
                vocabularies |= {name: Coverage(**one) for name, one in record["vocabularies"].items()}
                results.append(_from_record(record))
        return results, vocabularies

    def _file(self, node: str) -> Path:
        return self._folder / f"{node}.json"


def _as_record(result: NodeResult) -> dict[str, Any]:
    error = result.error
    return {
        "node": result.node,
        "state": result.state,
        "seconds": result.seconds,
        "started": result.started and result.started.isoformat(),
        "summary": result.summary,
        "outputs": [dataclasses.asdict(output) for output in result.outputs],
        "error": None if error is None else explain(error),
        "findings": [finding.as_dict() for finding in error.findings] if isinstance(error, AnomalyError) else None,
    }


def _from_record(record: Mapping[str, Any]) -> NodeResult:
    return NodeResult(
        node=record["node"],
        state=record["state"],
        seconds=record["seconds"],
        started=record["started"] and datetime.datetime.fromisoformat(record["started"]),
        summary=record["summary"],
        outputs=tuple(OutputArtifact(**output) for output in record["outputs"]),
        error=_read_error(record),
    )


def _read_error(record: Mapping[str, Any]) -> Exception | None:
    """Return the recorded error, with the same message; AnomalyGate's also has its findings, which are its verdict."""
    text, findings = record["error"], record["findings"]
    if text is None:
        return None
    if findings is None:
        return RecordedError(text)
    error = AnomalyError.__new__(AnomalyError, text)
    error.args, error.findings = (text,), [Finding(**finding) for finding in findings]
    return error
