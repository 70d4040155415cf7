"""A task of three small files in a folder of its own, so that a test can edit them."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

NAME = "task_of_a_test.ours"  # of the package; dotted, as --task takes it
FILES = {
    "__init__.py": "",
    "preprocessing.py": "def preprocessing_fn(inputs):\n    return inputs\n",
    "scoping.toml": "[problem]\n",
    "task.py": """
import dataclasses
from pathlib import Path

from task_of_a_test.ours.preprocessing import preprocessing_fn
from tests.tasks.diabetes.task import TASK

TASK = dataclasses.replace(
    TASK, name="ours", preprocessing_fn=preprocessing_fn, contract=Path(__file__).parents[1] / "contract.pbtxt"
)
""",
}


def small_task(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Makes the package importable; its contract lies one folder above. What a fixture yields from."""
    package = directory / "task_of_a_test" / "ours"
    package.mkdir(parents=True)
    for name, text in FILES.items():
        (package / name).write_text(text)
    (package.parent / "contract.pbtxt").write_text("feature {}\n")
    monkeypatch.syspath_prepend(directory)
    yield package
    for name in [name for name in sys.modules if name.partition(".")[0] == "task_of_a_test"]:
        del sys.modules[name]
