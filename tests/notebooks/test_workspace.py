from pathlib import Path

import pytest

from notebooks import workspace
from notebooks.workspace import NoRunError
from tests.notebooks.executed import ROOT


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VAR", "TASK", "RUN_ID", "TF_CPP_MIN_LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(
        workspace, "silence_libraries", lambda: None
    )  # the other tests' logs and warnings are left alone


def test_var_is_of_the_project_wherever_the_notebook_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert workspace.var_folder() == ROOT / "var"
    monkeypatch.setenv("VAR", "elsewhere")
    assert workspace.var_folder() == ROOT / "elsewhere"
    monkeypatch.setenv("VAR", str(tmp_path))
    assert workspace.var_folder() == tmp_path


def test_without_a_run_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VAR", str(tmp_path))
    monkeypatch.setenv("TASK", "wine")
    with pytest.raises(NoRunError) as raised:
        workspace.open_run()
    line = f"No run of task wine below {tmp_path} has a model yet: run `make run-local TASK=wine`, then this notebook."
    assert raised.value._render_traceback_() == [line]
