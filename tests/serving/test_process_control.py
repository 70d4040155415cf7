import gc
import importlib
import os
from collections.abc import Iterator

import pytest

from serving.process_control import gc_paused_imports, hold_stderr


@pytest.fixture
def collector() -> Iterator[None]:
    yield
    gc.enable()


@pytest.mark.usefixtures("collector")
def test_nothing_is_collected_inside_and_what_was_made_is_exempt_afterwards() -> None:
    before = gc.get_freeze_count()
    with gc_paused_imports():
        assert not gc.isenabled()
        made = [[] for _ in range(10_000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() - before >= len(made)


@pytest.mark.usefixtures("collector")
def test_the_collector_works_again_after_an_import_that_fails() -> None:
    with pytest.raises(ImportError), gc_paused_imports():
        importlib.import_module("serving.nothing_like_it")
    assert gc.isenabled()


@pytest.mark.usefixtures("collector")
def test_a_caller_that_had_disabled_the_collector_keeps_it_disabled() -> None:
    gc.disable()
    with gc_paused_imports():
        pass
    assert not gc.isenabled()


def test_standard_error_is_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    with hold_stderr():
        os.write(2, b"noise\n")
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"


def test_standard_error_is_shown_with_an_exception(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        os.write(2, b"the reason\n")
        raise RuntimeError("it fails")

    with pytest.raises(RuntimeError, match="it fails"), hold_stderr():
        fail()
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "the reason\nafterwards\n"
