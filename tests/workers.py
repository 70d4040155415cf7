"""How tests are shared among workers (`pytest -n 2`): the tests of a file stay together, files of slow tests go first.

So one worker makes what a file's tests share, and no long file starts when the other workers have nothing left to do.
Files that share something expensive name one `pytest.mark.xdist_group`. Without `-n` the order is as it was collected.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling

_LONG_FIRST = ("pipeline", "slow")  # markers


class _GroupOrFile(LoadGroupScheduling):
    """Gives a worker a whole group at a time: an `xdist_group`, or a file for tests that name none."""

    def _split_scope(self, nodeid: str) -> str:
        group = super()._split_scope(nodeid)
        return nodeid.partition("::")[0] if group == nodeid else group


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadGroupScheduling:
    return _GroupOrFile(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sorts the files, not the tests in them: those with a `pipeline` test, those with a `slow` one, the rest."""
    if not hasattr(config, "workerinput"):
        return
    ranks: dict[object, int] = {}
    for item in items:
        ranks[item.path] = min(_rank(item), ranks.get(item.path, len(_LONG_FIRST)))
    items.sort(key=lambda item: ranks[item.path])


def _rank(item: pytest.Item) -> int:
    found = [place for place, name in enumerate(_LONG_FIRST) if item.get_closest_marker(name)]
    return found[0] if found else len(_LONG_FIRST)
