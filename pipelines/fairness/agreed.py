"""What a task's scoping.toml says of groups, checked against its contract."""

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
    """Read what a task agreed on; None where it agreed on nothing.

    Raises:
        ScopingError: scoping.toml has a mistake, or names a column or a measure that there is not.
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
    """What the gate needs to know of a task."""

    fairness: Fairness
    problem: str
    label: str  # the transformed one
    threshold: float  # from which on the gateway decides for the second of two classes
    min_slice_rows: int


def write_agreement(task: Task) -> str | None:
    """Write what gates as JSON; None where scoping.toml names no groups, or no gap that refuses.

    Raises:
        ScopingError: see read_fairness.
    """
    agreed = read_fairness(task)
    if agreed is None or agreed.max_gap is None:
        return None
    agreement = Agreement(
        fairness=dataclasses.replace(agreed, reason=""),  # An edit of the prose changes no verdict.
        problem=task.problem,
        label=task.label,
        threshold=decision_threshold(task.name),
        min_slice_rows=task.min_slice_rows,
    )
    return json.dumps(dataclasses.asdict(agreement), sort_keys=True)


def read_agreement(text: str) -> Agreement:
    """Read what write_agreement wrote."""
    return as_record(json.loads(text), Agreement, "fairness")
