"""What C++ writes to standard error is held back, and shown after all when something goes wrong."""

import os

import pytest

from pipelines.native_log import held_back


def test_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    with held_back():
        os.write(2, b"noise\n")
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"


def test_shown_with_an_exception(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        os.write(2, b"the reason\n")
        raise RuntimeError("it fails")

    with pytest.raises(RuntimeError, match="it fails"), held_back():
        fail()
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "the reason\nafterwards\n"
