"""Steps outside a notebook: what one node wrote reaches the nodes that were wired to it."""

import builtins
from pathlib import Path

import pytest

from notebooks.stepping import Steps
from pipelines.modeling.hyperparameters import ARTIFACT_FILE


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Steps:
    monkeypatch.setattr(builtins, "__IPYTHON__", True, raising=False)  # InteractiveContext does nothing elsewhere
    for name in ("DATA", "TRAIN_STEPS"):
        monkeypatch.delenv(name, raising=False)
    return Steps("taxi", tmp_path)


def test_an_importers_output_reaches_the_trainer(steps: Steps) -> None:
    (written,) = steps.run("ImportHyperparameters").values()
    (taken,) = steps.nodes["Trainer"].inputs["hyperparameters"].get()
    assert taken.uri == str(written)
    assert (written / ARTIFACT_FILE).is_file()
