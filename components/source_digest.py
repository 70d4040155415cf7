"""Digests the code behind a function, so that TFX's cache notices an edit.

TFX's cache key holds the name of a function, not its text. This digest covers the function's module and everything
of this project that it imports, directly or not, and the versions of the libraries that decide what it computes.

A module counts by its syntax tree. Comments, formatting and docstrings compute nothing, so an edit of them runs nothing
again. The tree of a module looks different to each version of Python; that version is part of the digest anyway.
"""

import ast
import dataclasses
import functools
import hashlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

_PROJECT = Path(__file__).resolve().parents[1]
_DOC = "__doc__"
_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_LIBRARIES = (
    "apache-beam",
    "keras",
    "numpy",
    "pandas",
    "pyarrow",
    "scikit-learn",
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

    Docstrings count in a module that names `__doc__`. Code that computes from another module's docstrings, or from the
    text of a file, goes unnoticed.

    Raises:
        SyntaxError: A module cannot be parsed.
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
        digest.update(f"\0{name}\0{_read_module(path.read_bytes(), path).tree}".encode())
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
        waiting.extend(_absolute(_read_module(path.read_bytes(), path).imports, package))
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


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Module:
    """What the digest takes of a module's source."""

    imports: tuple[tuple[int, str, str | None], ...]  # each: leading dots; the module; the name taken from it, if any
    tree: str  # the syntax tree, without positions, comments and docstrings


@functools.cache  # One run digests most modules five times, and parsing them took half a second.
def _read_module(source: bytes, path: Path) -> _Module:
    """Parses a module's source."""
    tree = ast.parse(source, filename=str(path))
    nodes = list(ast.walk(tree))
    imports: list[tuple[int, str, str | None]] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            imports.extend((0, alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            imports.extend((node.level, node.module or "", alias.name) for alias in node.names)
    if not any(_names_docstrings(node) for node in nodes):
        for node in nodes:
            if isinstance(node, _Documented) and ast.get_docstring(node, clean=False) is not None:
                del node.body[0]
    return _Module(imports=tuple(imports), tree=ast.dump(tree))


def _names_docstrings(node: ast.AST) -> bool:
    """Tell whether a node is `__doc__`, `x.__doc__`, or the text of `getattr(x, "__doc__")`."""
    return _DOC in (getattr(node, field, None) for field in ("id", "attr", "value"))


def _absolute(imports: tuple[tuple[int, str, str | None], ...], package: str) -> Iterator[str]:
    """Yields the names that are imported; `from a import b` gives both `a` and `a.b`."""
    for level, module, name in imports:
        base = importlib.util.resolve_name("." * level + module, package)
        yield base
        if name is not None:
            yield f"{base}.{name}"
