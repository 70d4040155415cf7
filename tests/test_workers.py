"""What each worker gets, and in which order."""

from types import SimpleNamespace

import pytest
from xdist.scheduler import LoadFileScheduling

from tests import workers
from tests.workers import COSTLY, _GroupOrFile, group_of

TAXI, HISTORY = "tests/runs/test_taxi.py::one", "tests/runs/test_cache.py::one"


class Item:
    """A collected test."""

    def __init__(self, nodeid: str, *marks: str) -> None:
        self.nodeid, self.marks = nodeid, marks

    def get_closest_marker(self, name: str) -> object:
        return (name,) if name in self.marks else None


def collected() -> list[Item]:
    return [
        Item("fast.py::one"),
        Item("slow.py::one"),
        Item("slow.py::two", "slow"),
        Item("long.py::one", "pipeline"),
        Item(HISTORY),
        Item(TAXI),
    ]


def sort(items: list[Item], **config: object) -> list[str]:
    workers.pytest_collection_modifyitems(SimpleNamespace(**config), items)  # type: ignore[arg-type]
    return [item.nodeid for item in items]


def test_groups_first_then_long_files_each_in_its_own_order() -> None:
    ordered = [TAXI, HISTORY, "long.py::one", "slow.py::one", "slow.py::two", "fast.py::one"]
    assert sort(collected(), workerinput={}) == ordered


def test_one_process_runs_them_as_they_were_collected() -> None:
    assert sort(collected()) == [item.nodeid for item in collected()]


def test_a_worker_gets_a_group_or_a_file() -> None:
    scheduler = _GroupOrFile.__new__(_GroupOrFile)
    assert isinstance(scheduler, LoadFileScheduling)
    assert scheduler._split_scope(TAXI) == scheduler._split_scope("tests/notebooks/test_lab.py::one") == "cold_taxi"
    assert scheduler._split_scope("tests/runs/test_killed.py::one[a::b]") == "history"
    assert scheduler._split_scope("tests/data/test_card.py::one[a::b]") == "tests/data/test_card.py"


def test_every_file_with_a_costly_fixture_is_in_its_group(request: pytest.FixtureRequest) -> None:
    """Of the files that this run collected: all of them, where no path was given."""
    for item in request.session.items:
        for fixture in COSTLY & set(getattr(item, "fixturenames", ())):
            assert group_of(item.nodeid) == fixture, f"{item.nodeid} asks for {fixture}: name its file in _GROUPS"
