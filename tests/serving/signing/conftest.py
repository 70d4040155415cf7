"""A key, and a version that it signed."""

from pathlib import Path

import pytest

from tests.serving.signing.signed_models import Key, write


@pytest.fixture(scope="session")
def key() -> Key:
    return Key()


@pytest.fixture
def version(tmp_path: Path, key: Key) -> Path:
    return key.sign(write(tmp_path / "taxi" / "7"))
