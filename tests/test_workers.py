"""What each worker gets, and in which order."""

from pathlib import Path
from types import SimpleNamespace

from tests import workers
from tests.workers import _GroupOrFile


class Item:
    """A collected test."""

    def __init__(self, nodeid: str, *marks: str, fixtures: tuple[str, ...] = ()) -> None:
        self.nodeid, self.path = nodeid, Path(nodeid.partition("::")[0])
        self.fixturenames = fixtures
        self.marks = dict.fromkeys(marks, ())

    def get_closest_marker(self, name: str) -> object:
        return (name,) if name in self.marks else None

    def add_marker(self, mark: object) -> None:
        self.marks[mark.name] = mark.args  # type: ignore[attr-defined]


def collected() -> list[Item]:
    return [
        Item("fast.py::one"),
        Item("slow.py::one"),
        Item("slow.py::two", "slow"),
        Item("long.py::one", "pipeline"),
        Item("shares.py::one", "slow"),
        Item("shares.py::two", fixtures=("cold_taxi", "project")),
    ]


def sort(items: list[Item], **config: object) -> list[str]:
    workers.pytest_collection_modifyitems(SimpleNamespace(**config), items)  # type: ignore[arg-type]
    return [item.nodeid for item in items]


def test_costly_fixtures_first_then_long_files_each_in_its_own_order() -> None:
    ordered = ["shares.py::one", "shares.py::two", "long.py::one", "slow.py::one", "slow.py::two", "fast.py::one"]
    assert sort(collected(), workerinput={}) == ordered


def test_a_file_with_a_costly_fixture_is_in_one_group() -> None:
    items = collected()
    sort(items, workerinput={})
    groups = {item.nodeid: item.marks.get("xdist_group") for item in items}
    assert {nodeid: group for nodeid, group in groups.items() if group} == dict.fromkeys(
        ("shares.py::one", "shares.py::two"), ("cold_taxi",)
    )


def test_one_process_runs_them_as_they_were_collected() -> None:
    items = collected()
    assert sort(items) == [item.nodeid for item in collected()]
    assert not any("xdist_group" in item.marks for item in items)


def test_a_group_or_a_file_goes_to_one_worker() -> None:
    scope = _GroupOrFile._split_scope
    scheduling = object.__new__(_GroupOrFile)
    assert scope(scheduling, "tests/a.py::test_x[1::2]") == scope(scheduling, "tests/a.py::test_y") == "tests/a.py"
    assert scope(scheduling, "tests/a.py::test_x@cold_taxi") == scope(scheduling, "tests/b.py::test@cold_taxi")
