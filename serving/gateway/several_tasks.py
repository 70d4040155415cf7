"""Read several settings files for one gateway: merge shared settings, and check those that must differ."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from serving.gateway import api_description
from serving.gateway.settings import GatewaySettings, SettingsError, complete, read_file

# Tables of the whole gateway: how it listens and which clients it admits, each with its shared keys; None: all keys.
_SHARED: dict[str, tuple[str, ...] | None] = {
    "listen": None,
    "http": None,
    "keys": None,
    "cors": None,
    "tracing": None,
    "limits": ("requests_per_second", "redis"),
}
# A task's page is at /<endpoint>, and its routes are below /v1/<endpoint>.
_RESERVED = (
    "docs", "feedback", "healthz", "metrics", "page", "readyz", api_description.ASSETS.removeprefix("/"), "v1"
)  # fmt: skip

Flags = Callable[[str], Mapping[str, Any]]


def load_all(
    paths: Sequence[Path], flags: Flags = lambda model: {}, environ: Mapping[str, str] = os.environ
) -> list[GatewaySettings]:
    """Read the settings of several tasks. A setting of the whole gateway in one file holds for all.

    Args:
        paths: TOML files, one for each task.
        flags: settings that override a file's and the variables, by the name of the task's model; dotted names.
        environ: variables that begin with GATEWAY__ override every file.

    Returns:
        The settings of each task, in the order of the files.

    Raises:
        SettingsError: A file cannot be used, two files contradict each other, or two tasks share a setting that must
            differ.
    """
    files = {path: read_file(path) for path in paths}
    if len(files) < len(paths):
        raise SettingsError(
            f"settings: expected different files, received {', '.join(map(str, paths))}; name each file once"
        )
    shared = _merge_shared(files)
    found = []
    for path, given in files.items():
        for table, name, value in shared:
            own = given.setdefault(table, {})
            if isinstance(own, dict):  # otherwise `complete` reports the fault
                own.setdefault(name, value)
        model = given.get("model")
        name = str(model.get("name", "")) if isinstance(model, dict) else ""
        found.append(complete(path, given, environ, flags(name)))
    _require_distinct(dict(zip(files, found, strict=True)))
    return found


def _merge_shared(files: Mapping[Path, Mapping[str, Any]]) -> list[tuple[str, str, Any]]:
    """Return the settings of the whole gateway that any file sets: table, name, value."""
    said: dict[tuple[str, str], tuple[Path, Any]] = {}
    for path, given in files.items():
        for table, name, value in _shared_of(given):
            first, before = said.setdefault((table, name), (path, value))
            if before != value:
                raise SettingsError(
                    f"{table}.{name}: expected one value for the whole gateway, received {before!r} in {first} and "
                    f"{value!r} in {path}; set it in one of them, or to the same value in both"
                )
    return [(table, name, value) for (table, name), (_, value) in said.items()]


def _shared_of(given: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for table, names in _SHARED.items():
        values = given.get(table)
        for name, value in values.items() if isinstance(values, dict) else ():
            if names is None or name in names:
                yield table, name, value


def _require_distinct(tasks: Mapping[Path, GatewaySettings]) -> None:
    own: dict[str, Callable[[GatewaySettings], object]] = {
        "endpoint": lambda settings: settings.endpoint,
        "row_name": lambda settings: settings.row_name,
        "request_log.folder": lambda settings: settings.request_log and settings.request_log.folder.resolve(),
        "feedback.folder": lambda settings: settings.feedback and settings.feedback.folder.resolve(),
    }
    for name, read in own.items():
        seen: dict[object, Path] = {}
        for path, settings in tasks.items():
            value = read(settings)
            if value is not None and seen.setdefault(value, path) != path:
                raise SettingsError(
                    f"{name}: expected a different value for each task, received {value} in {seen[value]} and {path}; "
                    "change one of them"
                )
    for path, settings in tasks.items():
        if len(tasks) > 1 and settings.endpoint in _RESERVED:
            raise SettingsError(
                f"endpoint: expected none of {', '.join(_RESERVED)}, which a gateway of several tasks reserves, "
                f"received {settings.endpoint} in {path}; choose another"
            )
