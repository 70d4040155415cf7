"""Moves the files of a new task into the project: all of them or none, overwriting nothing."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tomlkit

from pipelines.scaffold.errors import ScaffoldError

_PYPROJECT = "pyproject.toml"
_CONTRACT = "a task is known to itself only"  # how the import contract that names every task begins


def place_files(root: Path, files: Mapping[str, bytes], module: str) -> list[str]:
    """Writes beside, formats, and moves into the project; then names the task in pyproject.toml.

    Args:
        root: of the project.
        files: path in the project -> content; none of them is there yet.
        module: of the task, such as pipelines.tasks.taxi.

    Returns:
        What was moved, folders and files, as paths in the project.

    Raises:
        ScaffoldError: A file cannot be formatted, something is in the way, or pyproject.toml does not name the tasks.
        OSError: The project cannot be written.
    """
    project = _add_task((root / _PYPROJECT).read_text(encoding="utf-8"), module)
    with _make_staging_folder(root) as beside:
        for path, content in files.items():
            (beside / path).parent.mkdir(parents=True, exist_ok=True)
            (beside / path).write_bytes(content)
        _format(beside, root / _PYPROJECT)
        (beside / _PYPROJECT).write_text(project, encoding="utf-8")
        moves = _plan_moves(files, root)
        done: list[Path] = []
        try:
            for path in moves:
                _move(beside / path, root / path)
                done.append(root / path)
            os.replace(beside / _PYPROJECT, root / _PYPROJECT)
        except BaseException:
            for moved in done:
                shutil.rmtree(moved) if moved.is_dir() else moved.unlink()
            raise
    return moves


@contextlib.contextmanager
def _make_staging_folder(root: Path) -> Iterator[Path]:
    """Makes a temporary folder on the project's own disk, so that a move is a rename."""
    folder = Path(tempfile.mkdtemp(prefix=".new-task-", dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _plan_moves(files: Mapping[str, bytes], root: Path) -> list[str]:
    """Plans the moves: the largest folders that are new, or single files; the package of the task comes last.

    Without that package there is no task: what a killed command leaves is told by the next one.
    """
    moves = set()
    for file in map(Path, files):
        folders = [folder for folder in reversed(file.parents) if not (root / folder).exists()]
        moves.add(str(folders[0] if folders else file))
    return sorted(moves, key=lambda path: (path.startswith("pipelines/"), path))


def _move(source: Path, target: Path) -> None:
    if target.exists():
        raise ScaffoldError(
            f"{target}: there already, and nothing is ever overwritten. Remove it, or choose another NAME."
        )
    source.rename(target)


def _format(folder: Path, config: Path) -> None:
    """Formats the files: the order of imports and the line breaks depend on the names in them."""
    for command in (("check", "--select", "I", "--fix-only"), ("format",)):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--config", str(config), str(folder)],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise ScaffoldError(
                f"ruff {command[0]} failed on the new files: {done.stderr.strip() or done.stdout.strip()}"
            )


def _add_task(text: str, module: str) -> str:
    """Adds the task to the import contract in pyproject.toml that keeps tasks apart."""
    document: Any = tomlkit.parse(text)
    contracts = document["tool"]["importlinter"]["contracts"]
    found = [contract for contract in contracts if str(contract["name"]).startswith(_CONTRACT)]
    if len(found) != 1:
        raise ScaffoldError(
            f"{_PYPROJECT}: expected one import contract whose name begins with {_CONTRACT!r}, received {len(found)}; "
            "it lists every task among its protected_modules. Restore it."
        )
    protected = found[0]["protected_modules"]
    if module not in protected:
        protected.append(module)
    return tomlkit.dumps(document)
