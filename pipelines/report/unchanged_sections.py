"""Cache the sections that take seconds, since they predict or read all rows, for runs that change nothing.

The cache has one file per task and section. It is replaced when an input of the section has changed.
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

_RECORDED = ("task_files", "source_digest", "stack", "metrics")  # fields of the run's record that all sections use
_RECORDED_OF_DATA = ("data", "rows", "split", "unread_files", "vocabularies", "schema_differences")


def describe_evaluation(run: Run, cache: Path) -> dict[str, Any]:
    """Return the content of the section of `pipelines.report.evaluation`, from the cache if nothing changed.

    Args:
        run: The run to report on.
        cache: A folder that all reports share. Its files are unpickled, so only trusted code may write there.

    Raises:
        RunError: The run has no model, or the Evaluator did not finish.
    """
    return _remember(
        run, cache / "evaluation", evaluation, functools.partial(evaluation.describe_evaluation, cache=cache)
    )


def describe_diagnosis(run: Run, cache: Path) -> dict[str, Any]:
    """Return the content of the section of `pipelines.report.diagnosis`, from the cache if nothing changed.

    Args:
        run: The run to report on.
        cache: As in describe_evaluation.

    Raises:
        RunError: The run has no model, or the Evaluator did not finish.
    """
    return _remember(run, cache / "diagnosis", diagnosis, diagnosis.describe_diagnosis)


def describe_data(run: Run, cache: Path) -> dict[str, Any]:
    """Return the content of the section of `pipelines.report.data`, from the cache if nothing changed.

    A run over spans is not cached, since the statistics of its spans are no artifacts of the run.

    Args:
        run: The run to report on.
        cache: As in describe_evaluation.

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
    """Return a digest of all inputs of a section, in hexadecimal; None if an artifact's folder does not exist.

    Artifacts are identified by their folders, since the runner refuses a changed artifact.

    Args:
        run: The run to report on.
        code: The section's module.
        recorded: Fields of the run's record that the section uses in addition to those that all sections use.
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
