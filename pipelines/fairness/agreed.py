"""Read what a task's scoping.toml agrees on fairness, and check it against the task's contract."""

import dataclasses
import json

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipelines.deployment import decision_threshold
from pipelines.evaluation.group_gaps import MEASURES
from pipelines.task_definition.scoping import Fairness, ScopingError, read_scoping
from pipelines.task_definition.task import Task
from pipelines.task_definition.toml_table import as_record
from serving.did_you_mean import suggestion


def read_fairness(task: Task) -> Fairness | None:
    """Return the fairness table of a task's scoping.toml; None if it has none.

    Args:
        task: The task.

    Raises:
        ScopingError: scoping.toml has a mistake, or names a column or a measure that does not exist.
    """
    agreed = read_scoping(task.scoping).fairness if task.scoping else None
    if agreed is None:
        return None
    schema = text_format.Parse(task.contract.read_text(encoding="utf-8"), schema_pb2.Schema())
    for what, names, known in (
        ("columns", agreed.columns, [feature.name for feature in schema.feature]),
        ("measures", agreed.measures, MEASURES[task.problem]),
    ):
        for name in names:
            if name not in known:
                raise ScopingError(f"{task.scoping}: fairness: {what}: received {name!r}; {suggestion(name, known)}")
    return agreed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Agreement:
    """The agreed limits, and the facts of a task that are needed to check them."""

    fairness: Fairness
    problem: str  # one of pipelines.task_definition.problem.PROBLEMS
    label: str  # name of the transformed label
    threshold: float  # probability from which the gateway decides for the second of two classes
    min_slice_rows: int  # smaller groups are not compared


def write_agreement(task: Task) -> str | None:
    """Return a task's Agreement as JSON; None if scoping.toml has no fairness table, or one without max_gap.

    Args:
        task: The task.

    Raises:
        ScopingError: As read_fairness.
    """
    agreed = read_fairness(task)
    if agreed is None or agreed.max_gap is None:
        return None
    agreement = Agreement(
        fairness=dataclasses.replace(agreed, reason=""),  # an edit of the reason changes no verdict, nor the cache key
        problem=task.problem,
        label=task.label,
        threshold=decision_threshold(task.name),
        min_slice_rows=task.min_slice_rows,
    )
    return json.dumps(dataclasses.asdict(agreement), sort_keys=True)


def read_agreement(text: str) -> Agreement:
    """Return the Agreement from the JSON of write_agreement."""
    return as_record(json.loads(text), Agreement, "fairness")
