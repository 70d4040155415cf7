"""How TensorFlow Serving behaves, case by case: the `.toml` files of this folder, read and checked.

A case says what is asked and what TensorFlow Serving answers, as read from its source and its tests. Where this server
answers otherwise on purpose, the case says so (`argued`), and what comes here instead (`ours`, or what the tests of
`held_by` assert). The table of those in docs/reference/serving.md is made of the cases, by `table.py`.
"""

import dataclasses
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """One request, and the answer that is expected: all of the fields that are set."""

    rest: str = ""  # method and target
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    body: str = ""  # as sent
    gzip: bool = False  # whether the body is sent as gzip
    grpc: str = ""  # the method's name
    message: str = ""  # the request in text format; {base} is the folder of models

    status: int = 0  # of HTTP
    code: str = ""  # of gRPC
    media_type: str = "application/json"
    json: str | None = None  # the whole answer, by value: 1 and 1.0 differ
    json_part: str | None = None  # what the answer holds among others: keys of its objects; lists are whole
    text: str | None = None  # the whole answer, as it is
    answer: str | None = None  # the whole answer in text format
    contains: tuple[str, ...] = ()  # parts of the answer's text
    says: str = ""  # part of the error

    def __post_init__(self) -> None:
        if (
            bool(self.rest) == bool(self.grpc)
            or bool(self.status) != bool(self.rest)
            or bool(self.code) != bool(self.grpc)
        ):
            raise ValueError(f"expected `rest` and `status`, or `grpc` and `code`; received {self}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """One point of TensorFlow Serving's behaviour.

    Attributes:
        id: a short name that stays.
        what: the point, as the table of those argued names it.
        steps: requests in their order, and what TensorFlow Serving answers; empty where `held_by` is set.
        held_by: the tests that show it where no request can, each as file::function.
        argued: why this server answers otherwise; "" where it does not.
        theirs: what TensorFlow Serving does, in words; where `argued` is set.
        ours: what this server answers in place of the last step; where `argued` and `steps` are set.
    """

    id: str
    what: str
    steps: tuple[Step, ...]
    held_by: tuple[str, ...] = ()
    argued: str = ""
    theirs: str = ""
    ours: Step | None = None

    def __post_init__(self) -> None:
        if bool(self.steps) == bool(self.held_by):
            raise ValueError(f"case {self.id}: expected a request or `held_by`, received both or neither")
        if bool(self.argued) != bool(self.theirs) or bool(self.ours) != bool(self.argued and self.steps):
            raise ValueError(
                f"case {self.id}: expected `argued`, `theirs` and, with a request, `ours`; or none of them"
            )


def read() -> list[Case]:
    """Reads every case.

    Raises:
        ValueError: A file is no TOML, or a case has fields that do not belong together.
        TypeError: A case has a field that there is not, or lacks one.
    """
    return [_case(table) for path in sorted(FOLDER.glob("*.toml")) for table in tomllib.loads(path.read_text())["case"]]


def _case(table: dict[str, Any]) -> Case:
    """Builds a case; one that has a single step has the step's fields itself."""
    own = {field.name for field in dataclasses.fields(Case)} - {"steps", "ours"}
    single = {name: value for name, value in table.items() if name not in own | {"steps", "ours"}}
    steps = table.get("steps", [single] if single else [])
    ours = _step({**_request(steps[-1]), **table["ours"]}) if "ours" in table else None
    fields = {name: value for name, value in table.items() if name in own}
    fields["held_by"] = _several(table.get("held_by", ()))
    return Case(**fields, steps=tuple(_step(step) for step in steps), ours=ours)


def _step(table: dict[str, Any]) -> Step:
    return Step(**{**table, "contains": _several(table.get("contains", ()))})


def _several(value: str | Sequence[str]) -> tuple[str, ...]:
    """A file may have one without brackets."""
    return (value,) if isinstance(value, str) else tuple(value)


def _request(table: dict[str, Any]) -> dict[str, Any]:
    """The part of a step that is sent."""
    return {name: table[name] for name in ("rest", "headers", "body", "gzip", "grpc", "message") if name in table}
