"""One cold run and one repeated run serve all tests here; each test gets the state after them back."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runs.project import Finished, Project, files


@dataclasses.dataclass(frozen=True, kw_only=True)
class History:
    """The runs that every test builds on."""

    project: Project
    code_before: dict[str, bytes]  # files of the project before the first run
    scratch: Path  # the system's folder for temporary files, as the runs saw it
    cold: Finished
    code_after: dict[str, bytes]  # files of the project after it, but for var
    second: Finished
    saved: Path  # var after both


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """A copy of the project after a cold run and one more."""
    base = tmp_path_factory.mktemp("runs")
    project = Project.copy(base / "project")
    scratch = base / "scratch"
    scratch.mkdir()
    before = files(project.root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(scratch))
        patch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        cold = project.run()
        after = {path: content for path, content in files(project.root).items() if not path.startswith("var/")}
        second = project.run()
    assert (cold.status, second.status) == (0, 0), cold.told() + second.told()
    saved = base / "saved"
    project.save(saved)
    return History(
        project=project, code_before=before, scratch=scratch, cold=cold, code_after=after, second=second, saved=saved
    )


@pytest.fixture
def project(history: History) -> Iterator[Project]:
    """The project after two runs, every node in the cache; its code is put back afterwards."""
    history.project.restore(history.saved)
    yield history.project
    history.project.undo()
