"""Which edits the digest notices."""

import importlib.metadata
from pathlib import Path
from types import ModuleType

import pytest

from components import source_digest as module
from components.source_digest import source_digest

PROJECT = {
    "app/__init__.py": "",
    "app/train.py": "import numpy\nimport lib.scaling\nfrom app import features\nfrom . import model as m\n",
    "app/features.py": "from .names import NAMES\n",
    "app/names.py": "NAMES = ()\n",
    "app/model.py": "def build():\n    from lib import late\n",
    "app/unrelated.py": "",
    "app/README.md": "",
    "lib/__init__.py": "import lib.deep.inner\n",
    "lib/scaling.py": "",
    "lib/late.py": "import app.train\n",
    "lib/deep/__init__.py": "",
    "lib/deep/inner.py": "from ..parent import x\n",
    "lib/parent.py": "",
    "lib/unrelated.py": "",
    "README.md": "",
}
BEHIND_TRAIN = {
    "app/__init__.py": "a package's own file",
    "app/train.py": "the module itself",
    "app/features.py": "from package import module",
    "app/names.py": "relative import, at second hand",
    "app/model.py": "from . import module as name",
    "lib/__init__.py": "the package of an imported module",
    "lib/scaling.py": "import package.module",
    "lib/late.py": "import inside a function",
    "lib/deep/__init__.py": "the package of a module that a package imports",
    "lib/deep/inner.py": "a module that a package imports",
    "lib/parent.py": "relative import from above",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in PROJECT.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def digest(project: Path, name: str = "app.train") -> str:
    return source_digest(ModuleType(name), root=project)


@pytest.mark.parametrize("name", BEHIND_TRAIN, ids=BEHIND_TRAIN.values())
def test_an_edit_that_counts(project: Path, name: str) -> None:
    before = digest(project)
    (project / name).write_text(PROJECT[name] + "EDITED = 1\n")
    assert digest(project) != before


@pytest.mark.parametrize("name", sorted(PROJECT.keys() - BEHIND_TRAIN.keys()))
def test_an_edit_that_does_not_count(project: Path, name: str) -> None:
    before = digest(project)
    (project / name).write_text("EDITED = 1\n")
    assert digest(project) == before


CODE = '''"""A module."""

import numpy as np  # of arrays


class Scale:
    """Scales."""

    def apply(self, x: float) -> float:
        """Apply it."""
        return np.sqrt(x) + 1
'''


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [
        ("# of arrays", "# of numbers", False),
        ('"""A module."""', '"""Another text, on\n\nmore lines."""', False),
        ('"""Scales."""', '"""Scales well."""', False),
        ('"""Apply it."""', '"""Apply it to a number."""', False),
        ("np.sqrt(x) + 1", "(\n            np.sqrt(x)\n            + 1\n        )", False),
        ("np.sqrt(x) + 1", "np.sqrt(x) + 2", True),
        ("np.sqrt(x) + 1", "1 + np.sqrt(x)", True),
        ("x: float", "x: int", True),  # Annotations can be read when a program runs, as dataclasses do.
        ("return np", "assert x > 0\n        return np", True),
        ("        return np", '        "a text that is no docstring"\n        return np', True),
    ],
)
def test_only_the_syntax_tree_counts(project: Path, old: str, new: str, counts: bool) -> None:
    assert CODE.count(old) == 1
    (project / "lib/scaling.py").write_text(CODE)
    before = digest(project)
    (project / "lib/scaling.py").write_text(CODE.replace(old, new))
    assert (digest(project) != before) == counts


@pytest.mark.parametrize("use", ["print(__doc__)", "print(Scale.apply.__doc__)", 'getattr(Scale, "__doc__")'])
def test_docstrings_count_where_a_module_reads_them(project: Path, use: str) -> None:
    (project / "lib/scaling.py").write_text(f"{CODE}\n{use}\n")
    before = digest(project)
    (project / "lib/scaling.py").write_text(f"{CODE}\n{use}\n".replace("Apply it.", "Do."))
    assert digest(project) != before


def test_moved_text_counts(project: Path) -> None:
    before = digest(project)
    (project / "lib/parent.py").write_text("EDITED = 1\n")
    one = digest(project)
    (project / "lib/parent.py").write_text("")
    (project / "lib/scaling.py").write_text("EDITED = 1\n")
    assert len({before, one, digest(project)}) == 3


def test_a_package_wins_over_a_module_of_its_name(project: Path) -> None:
    before = digest(project)
    (project / "lib/scaling").mkdir()
    (project / "lib/scaling/__init__.py").write_text("")
    (project / "lib/scaling.py").write_text("EDITED = 1\n")
    assert digest(project) == before


def test_a_function_stands_for_its_module(project: Path) -> None:
    def function() -> None: ...

    function.__module__ = "app.train"
    assert source_digest(function, root=project) == digest(project)


def test_several_in_any_order(project: Path) -> None:
    one, other = ModuleType("app.unrelated"), ModuleType("app.names")
    assert source_digest(one, other, root=project) == source_digest(other, one, root=project)
    assert source_digest(one, other, root=project) != source_digest(one, root=project)


def test_the_versions_of_libraries_count(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest(project)
    assert len(before) == 16
    asked: list[str] = []
    monkeypatch.setattr(importlib.metadata, "version", lambda name: asked.append(name) or "0.0")
    module._library_versions.cache_clear()
    try:
        assert digest(project) != before
        assert {"pandas", "pyarrow", "numpy", "tensorflow"} <= set(asked)  # what reads rows, and what computes
    finally:
        module._library_versions.cache_clear()


def test_this_project() -> None:
    assert source_digest(module) == source_digest(source_digest)
