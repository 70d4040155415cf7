"""Remembers the sections that take seconds, for a run that changes nothing: those that ask models or read all rows.

One file for each task and section, replaced when something that the section is made from has changed.
"""

import functools
import hashlib
import json
import pickle
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from components.source_digest import source_digest
from pipelines.deployment import decision_threshold
from pipelines.report import data, diagnosis, evaluation
from pipelines.runs import Run
from pipelines.task_definition.task_files import task_file_digests
from serving.durable_file import write_whole

_RECORDED = ("task_files", "source_digest", "stack", "metrics")  # of the record, beside the artifacts
_RECORDED_OF_DATA = ("data", "rows", "split", "unread_files", "vocabularies", "schema_differences")


def describe_evaluation(run: Run, cache: Path) -> dict[str, Any]:
    """Describe the model's quality, as `pipelines.report.evaluation` does; from the cache if nothing changed.

    Args:
        run: to report on.
        cache: a folder for what reports have in common. What lies there is trusted: it is unpickled.

    Raises:
        RunError: The run has no model, or the Evaluator did not finish.
    """
    return _remember(
        run, cache / "evaluation", evaluation, functools.partial(evaluation.describe_evaluation, cache=cache)
    )


def describe_diagnosis(run: Run, cache: Path) -> dict[str, Any]:
    """Describe what predictions rest on and where they are wrong, as `pipelines.report.diagnosis` does; else likewise.

    Raises:
        RunError: The run has no model, or the Evaluator did not finish.
    """
    return _remember(run, cache / "diagnosis", diagnosis, diagnosis.describe_diagnosis)


def describe_data(run: Run, cache: Path) -> dict[str, Any]:
    """Describe the rows, as `pipelines.report.data` does; of spans each time, since their statistics are elsewhere.

    Raises:
        RunError: The run has no statistics.
    """
    if run.summary["spans"]:
        return data.describe_data(run)
    return _remember(run, cache / "data", data, data.describe_data, _RECORDED_OF_DATA)


def _remember(
    run: Run,
    folder: Path,
    code: ModuleType,
    describe: Callable[[Run], dict[str, Any]],
    recorded: Sequence[str] = (),
) -> dict[str, Any]:
    key = digest_sources(run, code, recorded)
    path = folder / run.task / f"{key}.pickle"
    if path.is_file():
        return pickle.loads(path.read_bytes())
    content = describe(run)
    if key is not None:
        shutil.rmtree(path.parent, ignore_errors=True)
        path.parent.mkdir(parents=True)
        write_whole(path, pickle.dumps(content))
    return content


def digest_sources(run: Run, code: ModuleType, recorded: Sequence[str] = ()) -> str | None:
    """Digests all that a section is made from, in hex; None if an artifact is gone, which is then to be said.

    An artifact is known by its folder: the runner lets no run use one that changed.

    Args:
        run: to report on.
        code: the section's module.
        recorded: what the section takes from the run's record, beside what all of them take.
    """
    uris = [output["uri"] for node in run.summary["nodes"] for output in node["outputs"].values()]
    if not uris or not all(Path(uri).exists() for uri in uris):
        return None
    sources = {
        "uris": uris,
        "record": {name: run.summary[name] for name in (*_RECORDED, *recorded)},
        "threshold": decision_threshold(run.task),
        "task": task_file_digests(run.task_record),
        "code": source_digest(code),
    }
    return hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).hexdigest()
