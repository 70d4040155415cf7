"""What a task has to be, and what is said to a name that is none."""

import sys
from pathlib import Path

import pytest

from pipelines.task_definition.lookup import TaskError
from pipelines.task_definition.task import Task, load_task
from tests.pipelines.search.quick import TUNING
from tests.tasks.diabetes.task import TASK

PIPELINES = Path(__file__).resolve().parents[3] / "pipelines"
# With those of `make new-task`.
KNOWN = ", ".join(sorted(path.parent.name for path in (PIPELINES / "tasks").glob("*/task.py")))


def test_taxi_by_its_short_name() -> None:
    assert load_task("taxi").name == "taxi"


def test_another_package_by_its_dotted_name() -> None:
    assert load_task("tests.tasks.diabetes") is TASK


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tax", "unknown task 'tax': did you mean 'taxi'?"),
        ("Taxi", "unknown task 'Taxi': did you mean 'taxi'?"),
        ("weather", f"unknown task 'weather': expected one of {KNOWN}, or a dotted package name"),
        ("tests.tasks.none", f"unknown task 'tests.tasks.none': expected one of {KNOWN}, or a dotted package name"),
        ("none.at.all", f"unknown task 'none.at.all': expected one of {KNOWN}, or a dotted package name"),
        ("", f"unknown task '': expected one of {KNOWN}, or a dotted package name"),
        ("../taxi", "unknown task '../taxi': did you mean 'taxi'?"),
    ],
)
def test_unknown_name(name: str, message: str) -> None:
    with pytest.raises(TaskError) as error:
        load_task(name)
    assert str(error.value) == message


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An importable package `elsewhere.mine`."""
    directory = tmp_path / "elsewhere" / "mine"
    directory.mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path)
    yield directory
    for name in [name for name in sys.modules if name.partition(".")[0] == "elsewhere"]:
        del sys.modules[name]


def test_a_module_without_a_task(package: Path) -> None:
    (package / "task.py").write_text("TASK = 3\n")
    with pytest.raises(TaskError) as error:
        load_task("elsewhere.mine")
    assert str(error.value) == ("elsewhere.mine.task holds no TASK: expected a Task, received int")


def test_an_import_that_fails_inside_a_task_is_not_an_unknown_name(package: Path) -> None:
    (package / "task.py").write_text("import no_such_library\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        load_task("elsewhere.mine")


FIELDS = {name: getattr(TASK, name) for name in TASK.__dataclass_fields__}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "two words"}, "task name: expected a Python identifier, received 'two words'"),
        (
            {"contract": Path("nowhere.pbtxt")},
            "task diabetes: no contract at nowhere.pbtxt; write one, or correct the path",
        ),
        (
            {"problem": "ranking"},
            "task diabetes: expected a problem that is one of binary, multiclass, regression, received 'ranking'",
        ),
        (
            {"scoping": Path("nowhere.toml")},
            "task diabetes: no scoping at nowhere.toml; write one, or correct the path",
        ),
        (
            {"hyperparameters": Path("nowhere.toml")},
            "task diabetes: no hyperparameters at nowhere.toml; write one, or correct the path",
        ),
        (
            {"tuning": TUNING},
            "task diabetes: tuning without hyperparameters; name the file that a search improves on",
        ),
        (
            {"split": "row"},
            "task diabetes: split: expected RowSplit(), KeySplit(column) or TimeSplit(column), received 'row'",
        ),
        (
            {"feature_parts": {"numbers": ("age", "bmi"), "codes": ("age",)}},
            "task diabetes: feature_parts: expected different names, received 'age' twice",
        ),
        ({"train_steps": 0}, "task diabetes: expected train_steps of 1 or more, received 0"),
    ],
)
def test_an_incomplete_task(changed: dict[str, object], message: str) -> None:
    with pytest.raises(TaskError) as error:
        Task(**FIELDS | changed)
    assert str(error.value) == message
