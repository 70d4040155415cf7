"""Move the files of a new task into the project: all of them or none, overwriting nothing."""

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
_CONTRACT = "nothing imports a task"  # how the import contract that names every task begins


def place_files(root: Path, files: Mapping[str, bytes], module: str) -> list[str]:
    """Write the files to a temporary folder, format them, move them into the project, and update pyproject.toml.

    Args:
        root: The project's folder.
        files: Path in the project -> content; no such path may exist yet.
        module: Module of the task, such as pipelines.tasks.taxi.

    Returns:
        Folders and files that were moved, and pyproject.toml, as paths in the project.

    Raises:
        ScaffoldError: A file cannot be formatted, something is in the way, or pyproject.toml does not name the tasks.
        OSError: The project cannot be written.
    """
    project = _add_task((root / _PYPROJECT).read_text(encoding="utf-8"), module)
    with _make_staging_folder(root) as staging:
        for path, content in files.items():
            (staging / path).parent.mkdir(parents=True, exist_ok=True)
            (staging / path).write_bytes(content)
        _format(staging, root / _PYPROJECT)
        (staging / _PYPROJECT).write_text(project, encoding="utf-8")
        moves = _plan_moves(files, root)
        done: list[Path] = []
        try:
            for path in moves:
                _move(staging / path, root / path)
                done.append(root / path)
            os.replace(staging / _PYPROJECT, root / _PYPROJECT)
        except BaseException:
            for moved in done:
                shutil.rmtree(moved) if moved.is_dir() else moved.unlink()
            raise
    return [*moves, _PYPROJECT]


@contextlib.contextmanager
def _make_staging_folder(root: Path) -> Iterator[Path]:
    """Make a temporary folder in the project, on the same disk, so that a move is a rename."""
    folder = Path(tempfile.mkdtemp(prefix=".new-task-", dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _plan_moves(files: Mapping[str, bytes], root: Path) -> list[str]:
    """Return the paths to move: the topmost new folders, or single files; the package of the task comes last.

    The task exists only once its package does. If the process is killed before, the next `new-task` names the rest.
    """
    moves = set()
    for file in map(Path, files):
        folders = [folder for folder in reversed(file.parents) if not (root / folder).exists()]
        moves.add(str(folders[0] if folders else file))
    return sorted(moves, key=lambda path: (path.startswith("pipelines/"), path))


def _move(source: Path, target: Path) -> None:
    if target.exists():
        raise ScaffoldError(
            f"{target}: already exists, and new-task overwrites nothing. Remove it, or choose another NAME."
        )
    source.rename(target)


def _format(folder: Path, config: Path) -> None:
    """Sort the imports and format the files with ruff: both depend on the names that the templates were filled with."""
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
    """Add the task to the import contract in pyproject.toml that keeps tasks apart."""
    document: Any = tomlkit.parse(text)
    contracts = document["tool"]["importlinter"]["contracts"]
    found = [contract for contract in contracts if str(contract["name"]).startswith(_CONTRACT)]
    if len(found) != 1:
        raise ScaffoldError(
            f"{_PYPROJECT}: expected one import contract whose name begins with {_CONTRACT!r}, received {len(found)}; "
            f"it lists every task among its protected_modules. Restore the file: git checkout {_PYPROJECT}"
        )
    protected = found[0]["protected_modules"]
    if module not in protected:
        protected.append(module)
    return tomlkit.dumps(document)
