"""Read TOML into frozen dataclasses. Pydantic checks it; this module words the message of each mistake."""

import dataclasses
import json
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pydantic

from serving.did_you_mean import suggestion

Record = TypeVar("Record")
# Refuse a text for a number, true for 1, and a key that the dataclass lacks; accept a whole number for a float.
_STRICT = pydantic.ConfigDict(strict=True, extra="forbid")
_UNKNOWN, _MISSING, _REFUSED = "unexpected_keyword_argument", "missing", "value_error"  # as pydantic names them
_EXPECTED = {
    "string_type": "a text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "dataclass_type": "a table",
    "dict_type": "a table",
    "tuple_type": "a list",
}


class TableError(ValueError):
    """A TOML file lacks a key, or has an unknown key or an invalid value."""


def read_toml(path: Path, kind: type[Record]) -> Record:
    """Read a file as one record.

    Args:
        path: the file.
        kind: a dataclass. Its fields are texts, numbers, truth values, other such records, tuples of one of these, or
            a dict from texts to one of these; each may be None if that is its default. A ValueError of __post_init__
            is reported with the name of its table.

    Returns:
        The record.

    Raises:
        TableError: It is not TOML, lacks a key, has an unknown key, or has a value that is refused.
    """
    return as_record(read_table(path), kind, str(path))


def read_table(path: Path) -> dict[str, Any]:
    """Read a file's keys and values without checking them.

    Returns:
        The keys and values, as tomllib returns them.

    Raises:
        TableError: It is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: expected TOML, received something else: {error}") from error


def as_record(table: Mapping[str, Any], kind: type[Record], where: str) -> Record:
    """Make a record of a table; see read_toml.

    Args:
        table: as tomllib returns it.
        kind: the dataclass.
        where: the file, and the table in it, for messages.

    Returns:
        The record.

    Raises:
        TableError: The table is not such a record.
    """
    # A plain dataclass takes its configuration from the type around it, here a tuple of one. The input is JSON, since
    # strict validation of Python objects takes no list for a tuple and no dict for a dataclass. A date becomes a text.
    adapter = pydantic.TypeAdapter(tuple[kind], config=_STRICT)  # type: ignore[valid-type]
    try:
        (record,) = adapter.validate_json(json.dumps([table], default=str))
    except pydantic.ValidationError as error:
        raise TableError(where + _describe_first(error.errors(include_url=False), kind)) from error
    return record


def _describe_first(mistakes: Sequence[Any], kind: type) -> str:
    """Describe one mistake, a wrong key first: `: thresholds 2: at_most: expected a number, received '1'`."""
    first = min(mistakes, key=lambda mistake: {_UNKNOWN: 0, _MISSING: 1}.get(mistake["type"], 2))
    location, received = first["loc"], first["input"]
    if first["type"] == _UNKNOWN:
        table, record = _locate(kind, location[1:-1])
        known = [field.name for field in dataclasses.fields(record)]
        return f"{table}: unknown key {location[-1]!r}; {suggestion(location[-1], known)}"
    if first["type"] == _MISSING:
        same_table = [one["loc"] for one in mistakes if one["type"] == _MISSING and one["loc"][:-1] == location[:-1]]
        table, _ = _locate(kind, location[1:-1])
        return f"{table}: expected {', '.join(place[-1] for place in same_table)}, received no such key; add it"
    place, _ = _locate(kind, location[1:])
    if first["type"] == _REFUSED:
        return f"{place}: {first['ctx']['error']}"
    expected = _EXPECTED.get(first["type"]) or first["msg"].removeprefix("Input should be ")
    return f"{place}: expected {expected}, received {received!r}"


def _locate(kind: Any, location: Sequence[str | int]) -> tuple[str, Any]:
    """Return the place of a mistake, such as `: wheels 2: spokes` or `: labels.colour`, and the type expected there."""
    words = ""
    for step in location:
        if isinstance(step, int):
            words, kind = f"{words} {step + 1}", typing.get_args(kind)[0]
        elif dataclasses.is_dataclass(kind):
            words, kind = f"{words}: {step}", typing.get_type_hints(kind)[step]
        else:
            words, kind = f"{words}.{step}", typing.get_args(kind)[1]
        if isinstance(kind, types.UnionType):  # `float | None`
            (kind,) = (part for part in typing.get_args(kind) if part is not type(None))
    return words, kind
