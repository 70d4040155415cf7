"""Where the tests of a push put what they push."""

from pathlib import Path

import pytest


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "serving" / "taxi"
