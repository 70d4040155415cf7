import gc
import importlib

import pytest

from serving.importing import uncollected


@pytest.fixture(autouse=True)
def as_before():
    yield
    gc.enable()


def test_nothing_is_collected_inside_and_what_was_made_is_left_out_afterwards() -> None:
    before = gc.get_freeze_count()
    with uncollected():
        assert not gc.isenabled()
        made = [[] for _ in range(10_000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() - before >= len(made)


def test_the_collector_works_again_after_an_import_that_fails() -> None:
    with pytest.raises(ImportError), uncollected():
        importlib.import_module("serving.nothing_like_it")
    assert gc.isenabled()


def test_who_had_switched_it_off_keeps_it_off() -> None:
    gc.disable()
    with uncollected():
        pass
    assert not gc.isenabled()
