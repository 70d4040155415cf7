"""Compute a digest of the code that a function depends on, so that TFX's cache notices an edit.

TFX's cache key holds the name of a function, not its code. This digest covers the function's module, all modules of
this project that it imports, directly or not, and the versions of the libraries in `_LIBRARIES` and of Python.

The digest of a module is that of its syntax tree, without comments, formatting and docstrings: an edit of them does
not make a node run again. The tree depends on the version of Python, which is part of the digest anyway.
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
    """Return a hex digest (16 characters) of the project's modules that `code` depends on and of the library versions.

    A module belongs to the project if its name gives a file below `root`. The `__init__.py` files of its packages are
    included, since importing the module runs them. Imports inside functions are followed; imports by a computed name
    are not.

    Docstrings are included for a module that names `__doc__`. Edits of another module's docstrings that code reads, or
    of files that it reads, are not noticed.

    Args:
        code: functions, classes or modules.
        root: the project's folder.

    Raises:
        SyntaxError: A module cannot be parsed.
        ValueError: A module of `code` is not below `root`, so its edits would not be noticed.
    """
    names = [item.__name__ if isinstance(item, ModuleType) else item.__module__ for item in code]
    for name in names:
        if _file_of(name, root) is None:
            raise ValueError(
                f"module {name}: expected it below {root}, received one elsewhere, whose edits the cache would not "
                "notice; move the task into this project."
            )
    digest = hashlib.sha256(_library_versions().encode())
    for name, path in sorted(_modules(names, root).items()):
        digest.update(f"\0{name}\0{_read_module(path.read_bytes(), path).tree}".encode())
    return digest.hexdigest()[:16]


def _modules(names: list[str], root: Path) -> dict[str, Path]:
    """Return the files of the named modules and of every project module that they import, directly or not, by name."""
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
    """The imports and the syntax tree of a module."""

    imports: tuple[tuple[int, str, str | None], ...]  # each: leading dots; the module; the name taken from it, if any
    tree: str  # the syntax tree, without positions, comments and docstrings


@functools.cache  # One run digests most modules five times; parsing them each time took half a second.
def _read_module(source: bytes, path: Path) -> _Module:
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
    """Return whether a node is `__doc__`, `x.__doc__`, or the string in `getattr(x, "__doc__")`."""
    return _DOC in (getattr(node, field, None) for field in ("id", "attr", "value"))


def _absolute(imports: tuple[tuple[int, str, str | None], ...], package: str) -> Iterator[str]:
    """Yield the full names of the modules that may be imported; `from a import b` yields both `a` and `a.b`."""
    for level, module, name in imports:
        base = importlib.util.resolve_name("." * level + module, package)
        yield base
        if name is not None:
            yield f"{base}.{name}"
