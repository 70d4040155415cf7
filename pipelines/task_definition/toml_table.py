"""TOML that people write, as frozen dataclasses: each table one record, each mistake named with the table it is in."""

import dataclasses
import difflib
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

Record = TypeVar("Record")
_IN_WORDS = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}


class TableError(ValueError):
    """A TOML file does not say what it has to."""


def read_toml(path: Path, kind: type[Record]) -> Record:
    """Reads a file as one record.

    Args:
        path: the file.
        kind: a dataclass. Its fields are texts, numbers, truth values, other such records, tuples of one of these, or
            a dict from texts to one of these; each may be None where that is its default. What __post_init__ refuses
            with a ValueError is reported with the table it stands in.

    Raises:
        TableError: It is no TOML, or it lacks a key, has one that is not known, or a value of another type.
    """
    return as_record(read_table(path), kind, str(path))


def read_table(path: Path) -> dict[str, Any]:
    """A file's keys and values, whatever they are.

    Raises:
        TableError: It is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: expected TOML, received something else: {error}") from error


def as_record(table: Mapping[str, Any], kind: type[Record], where: str) -> Record:
    """A table as a record; see read_toml.

    Args:
        table: as tomllib gives it.
        kind: the dataclass.
        where: the file, and the table in it, for messages.

    Raises:
        TableError: The table is not such a record.
    """
    # A type variable cannot say that it stands for dataclasses only.
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for name in table:
        if name not in fields:
            raise TableError(f"{where}: unknown key {name!r}; {_meant(name, list(fields))}")
    missing = [name for name, field in fields.items() if name not in table and _required(field)]
    if missing:
        raise TableError(f"{where}: expected {', '.join(missing)}, received no such key; add it")
    hints = typing.get_type_hints(kind)
    values = {name: _value(value, hints[name], f"{where}: {name}") for name, value in table.items()}
    try:
        return kind(**values)
    except TableError:
        raise
    except ValueError as error:
        raise TableError(f"{where}: {error}") from error


def _value(value: object, hint: Any, where: str) -> object:
    kind = _without_none(hint)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, dict):
            raise _unexpected("a table", value, where)
        return as_record(value, kind, where)
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise _unexpected("a list", value, where)
        return tuple(_value(item, typing.get_args(kind)[0], f"{where} {n}") for n, item in enumerate(value, start=1))
    if typing.get_origin(kind) is dict:
        if not isinstance(value, dict):
            raise _unexpected("a table", value, where)
        return {name: _value(item, typing.get_args(kind)[1], f"{where}.{name}") for name, item in value.items()}
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise _unexpected(_IN_WORDS[kind], value, where)
    return value


def _unexpected(expected: str, value: object, where: str) -> TableError:
    return TableError(f"{where}: expected {expected}, received {value!r}")


def _without_none(hint: Any) -> Any:
    """`float | None` -> float."""
    if isinstance(hint, types.UnionType):
        (kind,) = (part for part in typing.get_args(hint) if part is not type(None))
        return kind
    return hint


def _required(field: "dataclasses.Field[Any]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _meant(name: str, allowed: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, allowed, n=1)
    return f"did you mean {close[0]!r}?" if close else f"expected one of {', '.join(allowed)}"
