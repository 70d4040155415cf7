"""How tests are shared among workers (`pytest -n 2`): by file, and files that share a costly fixture in one piece.

So one worker makes what tests share, and no other makes it again. Files of long tests go first, so that no worker is
left with one when the others have nothing to do. Without `-n` the order is as it was collected.
"""

from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling

_COSTLY = ("cold_taxi", "history", "rest_server")  # fixtures of a session: pipeline runs, and a server with ten models
_LONG_FIRST = ("pipeline", "slow")  # markers


class _GroupOrFile(LoadGroupScheduling):
    """Gives a worker a whole group at a time: an `xdist_group`, or a file for tests that are in none."""

    def _split_scope(self, nodeid: str) -> str:
        group = super()._split_scope(nodeid)
        return nodeid.partition("::")[0] if group == nodeid else group


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadGroupScheduling:
    return _GroupOrFile(config, log)


@pytest.hookimpl(tryfirst=True)  # before xdist looks at the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Groups the files with costly fixtures, and sorts the files, not the tests in them."""
    if not hasattr(config, "workerinput"):
        return
    groups: dict[Path, str] = {}
    ranks: dict[Path, int] = {}
    for item in items:
        for fixture in _COSTLY:
            if fixture in getattr(item, "fixturenames", ()):
                groups.setdefault(item.path, fixture)
        ranks[item.path] = min(_rank(item), ranks.get(item.path, len(_LONG_FIRST)))
    for item in items:
        if item.path in groups and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(groups[item.path]))
    items.sort(key=lambda item: (item.path not in groups, ranks[item.path]))


def _rank(item: pytest.Item) -> int:
    found = [place for place, name in enumerate(_LONG_FIRST) if item.get_closest_marker(name)]
    return found[0] if found else len(_LONG_FIRST)
