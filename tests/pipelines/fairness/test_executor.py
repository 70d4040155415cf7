"""The gate: what a task agreed on, and the blessing that a gap takes back."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tfx.components.evaluator import constants
from tfx.types.standard_artifacts import ModelBlessing

from components.artifact_files import local_copy, write_text
from components.evaluator import executor as columnar
from pipelines.fairness import executor
from pipelines.fairness.agreed import Agreement, read_agreement, write_agreement
from pipelines.fairness.findings import read_findings
from pipelines.fairness.gaps import find_gaps
from tests.pipelines.task_definition.test_scoping import MINIMAL
from tests.tasks.diabetes.task import TASK

SEX = pd.DataFrame({"sex": np.repeat(["a", "b"], 100)})
ERRORS = np.random.default_rng(1).normal(size=200) + np.repeat([0.0, 5.0], 100)


def agree(folder: Path, more: str) -> str | None:
    path = folder / "scoping.toml"
    path.write_text(f'{MINIMAL}\n[fairness]\ncolumns = ["sex"]\nreason = "asked"\n{more}\n')
    return write_agreement(dataclasses.replace(TASK, scoping=path))


def test_what_was_agreed_arrives_and_its_prose_does_not(tmp_path: Path) -> None:
    text = agree(tmp_path, 'max_gap = 2\nmeasures = ["mean error"]')
    assert text is not None
    found = read_agreement(text)
    assert (found.fairness.max_gap, found.fairness.measures, found.fairness.columns) == (2, ("mean error",), ("sex",))
    assert (found.problem, found.label, found.min_slice_rows) == (TASK.problem, TASK.label, TASK.min_slice_rows)
    assert "asked" not in text


def test_nothing_gates_without_a_gap(tmp_path: Path) -> None:
    assert agree(tmp_path, "") is None
    assert write_agreement(TASK) is None


@pytest.mark.parametrize("on_disk", [True, False], ids=["on disk", "elsewhere"])
@pytest.mark.parametrize(("max_gap", "passes"), [(20, True), (2, False)])
def test_a_gap_above_what_was_agreed_takes_the_blessing_back(
    tmp_path: Path, ram: str, monkeypatch: pytest.MonkeyPatch, max_gap: int, passes: bool, on_disk: bool
) -> None:
    blessing = ModelBlessing()
    blessing.uri = str(tmp_path / "blessing") if on_disk else ram

    def bless(*_: object) -> None:
        write_text(f"{blessing.uri}/{constants.BLESSED_FILE_NAME}", "")
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, constants.BLESSED_VALUE)

    def compare(_: object, agreement: Agreement) -> object:
        return find_gaps(
            agreement.fairness, SEX, np.zeros(200), ERRORS, problem=agreement.problem,
            threshold=agreement.threshold, min_slice_rows=agreement.min_slice_rows,
        )  # fmt: skip

    monkeypatch.setattr(columnar.Executor, "Do", bless)
    monkeypatch.setattr(executor, "_compare_groups", compare)
    executor.Executor().Do({}, {"blessing": [blessing]}, {"fairness": agree(tmp_path, f"max_gap = {max_gap}")})
    assert blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY) == int(passes)
    with local_copy(blessing.uri) as folder:
        assert {path.name for path in folder.glob("*BLESSED")} == {"BLESSED" if passes else "NOT_BLESSED"}
        found = read_findings(folder)
    assert found.passed is passes
    assert found.reasons[0].endswith("is clear and more than 20" if passes else "NOT at most 2")
