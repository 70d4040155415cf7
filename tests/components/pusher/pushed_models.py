"""Small models to push, and what a folder holds."""

from pathlib import Path

FILES = {"saved_model.pb": "graph", "variables/variables.index": "index", "variables/variables.data": "weights"}


def make_model(directory: Path, **changed: str) -> Path:
    for name, text in (FILES | changed).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory


def read_files(directory: Path) -> dict[str, str]:
    return {str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*") if path.is_file()}
