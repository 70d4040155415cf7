"""Digests the code behind a function, so that TFX's cache notices an edit.

TFX's cache key holds the name of a function, not its text. This digest covers the function's module and everything
of this project that it imports, directly or not, and the versions of the libraries that decide what it computes.
"""

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

_PROJECT = Path(__file__).resolve().parents[1]
_LIBRARIES = (
    "apache-beam",
    "keras",
    "numpy",
    "pandas",
    "pyarrow",
    "tensorflow",
    "tensorflow-data-validation",
    "tensorflow-model-analysis",
    "tensorflow-transform",
    "tfx",
    "tfx-bsl",
)


def source_digest(*code: Callable[..., object] | ModuleType, root: Path = _PROJECT) -> str:
    """Returns a hex digest (16 characters) of the project's modules behind `code` and of the library versions.

    A module belongs to the project when its file lies where its name says, below `root`. Packages' `__init__.py` files
    count: importing a module runs them. An import inside a function counts; one by a computed name does not.

    Raises:
        ValueError: A module of `code` lies elsewhere: its edits would go unnoticed.
    """
    names = [item.__name__ if isinstance(item, ModuleType) else item.__module__ for item in code]
    for name in names:
        if _file_of(name, root) is None:
            raise ValueError(
                f"module {name} does not lie below {root}: expected it there, since the cache could not notice an edit "
                "of it elsewhere; move the task into this project."
            )
    digest = hashlib.sha256(_library_versions().encode())
    for name, path in sorted(_modules(names, root).items()):
        digest.update(f"\0{name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _modules(names: list[str], root: Path) -> dict[str, Path]:
    """Finds the named modules and every project module that they import, directly or not; name -> file."""
    found: dict[str, Path] = {}
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        path = _file_of(name, root)
        if path is None:
            continue
        found[name] = path
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        waiting.extend(_parents(name))
        waiting.extend(_imports(path.read_bytes(), package, path))
    return found


@functools.cache
def _library_versions() -> str:
    versions = [f"{name}=={importlib.metadata.version(name)}" for name in _LIBRARIES]
    return ";".join([f"python=={sys.version_info.major}.{sys.version_info.minor}", *versions])


def _parents(name: str) -> Iterator[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _file_of(name: str, root: Path) -> Path | None:
    module = root.joinpath(*name.split("."))
    candidates = (module / "__init__.py", module.with_suffix(".py"))
    return next((path for path in candidates if path.is_file()), None)


@functools.cache  # One run digests most modules five times, and parsing them took half a second.
def _imports(source: bytes, package: str, path: Path) -> tuple[str, ...]:
    """Returns the names that a module's source imports; `from a import b` gives both `a` and `a.b`."""
    names: list[str] = []
    for node in ast.walk(ast.parse(source, filename=str(path))):
        if isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            names.extend([base, *(f"{base}.{alias.name}" for alias in node.names)])
    return tuple(names)
