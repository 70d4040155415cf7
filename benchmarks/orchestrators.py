"""Compare runs of one task by different orchestrators: contents of artifacts, metrics and seconds.

    python -m benchmarks.orchestrators local=var/runs/20260131-235959 airflow=other/runs/20260131-235960

Each argument is a run's folder, optionally with a name before it. The artifacts must still be where the run wrote them.
Exit status 1: artifacts or metrics differ that no orchestrator may change.

Examples are compared by their values, because protobuf writes the features of a record in any order. Of a transform
graph only the vocabularies and the schema are compared, because the names of operations in a SavedModel differ between
two exports of the same graph; the transformed Examples show whether the graphs agree. Models are listed and not
compared; their metrics are compared.
"""

import argparse
import dataclasses
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from components.tfrecords import read_records

# Types of artifacts that depend on rows, contract and code only.
COMPARED = frozenset({
    "Examples", "Schema", "ExampleStatistics", "ExampleAnomalies", "HyperParameters", "TransformGraph",
})  # fmt: skip
_SHOWN = 10  # digits of a digest
_ABSENT = "-"
_OF_AN_EXPORT = frozenset({"saved_model.pb", "fingerprint.pb"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class ComparedRun:
    """The parts of one run that are compared.

    Attributes:
        name: heading of its column.
        digests: "Node.output (type)" -> digest of the artifact's content.
        metrics: metric -> value, overall.
        nodes: node -> seconds.
        seconds: of the whole run.
    """

    name: str
    digests: Mapping[str, str]
    metrics: Mapping[str, float | None]
    nodes: Mapping[str, float]
    seconds: float


def read_run(name: str, folder: Path) -> ComparedRun:
    """Read a run's record, and digest its artifacts.

    Args:
        name: heading of its column.
        folder: the run's folder, which holds its summary.json.

    Returns:
        The run.

    Raises:
        FileNotFoundError: There is no record.
    """
    record: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    digests = {
        f"{node['id']}.{key} ({output['type']})": digest_content(Path(output["uri"]), output["type"])
        for node in record["nodes"]
        for key, output in node["outputs"].items()
    }
    return ComparedRun(
        name=name,
        digests=digests,
        metrics=record["metrics"].get("overall", {}),
        nodes={node["id"]: node["seconds"] for node in record["nodes"]},
        seconds=record["seconds"],
    )


def digest_content(artifact: Path, kind: str) -> str:
    """Digest names and content of an artifact's files.

    Args:
        artifact: a file or a folder.
        kind: the artifact's type.

    Returns:
        The digest, in hex.
    """
    whole = hashlib.blake2b(digest_size=16)
    for file in sorted(path for path in (artifact, *artifact.rglob("*")) if path.is_file()):
        if kind == "TransformGraph" and file.name in _OF_AN_EXPORT:
            continue
        whole.update(str(file.relative_to(artifact)).encode() + b"\0")
        content = _read_examples(file) if kind == "Examples" else file.read_bytes()
        whole.update(hashlib.blake2b(content).digest())
    return whole.hexdigest()


def _read_examples(file: Path) -> bytes:
    """Return the records of a file in their order, each with its features sorted by name."""
    examples = map(tf.train.Example.FromString, read_records([str(file)]))
    return b"".join(example.SerializeToString(deterministic=True) for example in examples)


def differences(runs: Sequence[ComparedRun]) -> list[str]:
    """List the artifacts and metrics that differ between runs although they must not."""
    digests = [name for name in _names(run.digests for run in runs) if _kind(name) in COMPARED]
    found = [name for name in digests if len({run.digests.get(name) for run in runs}) > 1]
    metrics = _names(run.metrics for run in runs)
    return found + [name for name in metrics if len({run.metrics.get(name, _ABSENT) for run in runs}) > 1]


def render(runs: Sequence[ComparedRun]) -> str:
    """Render the runs as a Markdown table with a column for each run.

    Args:
        runs: of one task.

    Returns:
        The table: digests of artifacts, metrics, seconds of nodes and of the whole.
    """
    unequal = set(differences(runs))
    rows = [["", *(run.name for run in runs), "equal"], ["---"] * (len(runs) + 2)]
    for name in _names(run.digests for run in runs):
        shown = [run.digests.get(name, _ABSENT)[:_SHOWN] for run in runs]
        rows.append([name, *shown, _word(name in unequal) if _kind(name) in COMPARED else "not compared"])
    for name in _names(run.metrics for run in runs):
        shown = [_number(run.metrics.get(name)) for run in runs]
        rows.append([name, *shown, _word(name in unequal)])
    for name in _names(run.nodes for run in runs):
        rows.append([f"{name}, s", *(_seconds(run.nodes.get(name)) for run in runs), ""])
    rows.append(["whole run, s", *(_seconds(run.seconds) for run in runs), ""])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main(arguments: Sequence[str]) -> int:
    """Print the table of the runs that the command line names, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.orchestrators", description=__doc__)
    parser.add_argument("runs", nargs="+", metavar="[NAME=]FOLDER")
    runs = []
    for word in parser.parse_args(arguments).runs:
        name, _, folder = word.rpartition("=")
        runs.append(read_run(name or Path(folder).resolve().name, Path(folder)))
    print(render(runs), end="")
    return 1 if differences(runs) else 0


def _names(tables: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the keys of several tables, each once, in their order."""
    return list(dict.fromkeys(key for table in tables for key in table))


def _kind(name: str) -> str:
    return name.rpartition("(")[2].removesuffix(")")


def _word(unequal: bool) -> str:
    return "no" if unequal else "yes"


def _seconds(value: float | None) -> str:
    return _ABSENT if value is None else f"{value:.1f}"


def _number(value: float | None) -> str:
    return _ABSENT if value is None else f"{value:.6g}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
