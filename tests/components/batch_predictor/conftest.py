"""What the tests of batch predictions share."""

from pathlib import Path

import pytest

from tests.components.batch_predictor import small_model


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of one output; not to be changed."""
    return small_model.save(tmp_path_factory.mktemp("model") / "7")
