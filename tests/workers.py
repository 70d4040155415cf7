"""How tests are shared among workers (`pytest -n 2`): by file, and files that share a costly fixture in one piece.

One worker makes what such files share, and no other makes it again. Groups and files of long tests go first, so that no
worker is left with one when the others have nothing to do. Without `-n` the order is as it was collected.

The groups are chosen by path. xdist's own mark `xdist_group` writes the group into `Item._nodeid`, which pytest 9.2 no
longer reads.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# Beginning of a path -> the group; the first that fits. A test holds that every file with a costly fixture has one.
_GROUPS = (
    ("tests/runs/test_taxi.py", "cold_taxi"),
    ("tests/runs/test_production_metrics.py", "cold_taxi"),
    ("tests/notebooks/test_executed.py", "cold_taxi"),
    ("tests/notebooks/test_lab.py", "cold_taxi"),
    ("tests/pipelines/data_versions/test_restore.py", "history"),
    ("tests/runs/", "history"),
    ("tests/serving/server/conformance/", "rest_server"),
    ("tests/serving/server/test_rest", "rest_server"),
)
COSTLY = frozenset(group for _, group in _GROUPS)  # fixtures of a session: pipeline runs, a server with many models
_LONG_FIRST = ("pipeline", "slow")  # markers


def group_of(nodeid: str) -> str | None:
    """The group of a test; None: its file is by itself."""
    return next((group for begin, group in _GROUPS if nodeid.startswith(begin)), None)


class _GroupOrFile(LoadFileScheduling):
    """Gives a worker a whole group at a time, or a file for tests that are in none."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid) or super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    return _GroupOrFile(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sorts the files, not the tests in them: groups first, then files with long tests."""
    if not hasattr(config, "workerinput"):
        return
    ranks: dict[str, int] = {}
    for item in items:
        file = _file(item)
        ranks[file] = min(_rank(item), ranks.get(file, len(_LONG_FIRST)))
    order = [group for _, group in _GROUPS]
    items.sort(key=lambda item: (_place(item, order), ranks[_file(item)]))


def _place(item: pytest.Item, order: list[str]) -> int:
    group = group_of(item.nodeid)
    return len(order) if group is None else order.index(group)


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _rank(item: pytest.Item) -> int:
    found = [place for place, name in enumerate(_LONG_FIRST) if item.get_closest_marker(name)]
    return found[0] if found else len(_LONG_FIRST)
