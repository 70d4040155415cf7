"""This process as another user, for a while."""

import contextlib
import os
from collections.abc import Iterator, Sequence

import pytest


@contextlib.contextmanager
def as_user(number: int, groups: Sequence[int]) -> Iterator[None]:
    """Acts as a user, by number, and with these groups only; root's rights are gone meanwhile.

    Skips the test where this process may not change users.
    """
    before = os.geteuid(), os.getegid(), os.getgroups()
    if before[0] != 0:
        pytest.skip("only root can act as another user")
    try:
        os.setgroups(list(groups))
        os.setegid(groups[0])
        os.seteuid(number)
    except OSError as error:  # root of a namespace that knows no other users
        _become(*before)
        pytest.skip(f"cannot act as another user here: {error}")
    try:
        yield
    finally:
        _become(*before)


def _become(user: int, group: int, groups: Sequence[int]) -> None:
    os.seteuid(user)
    os.setegid(group)
    if list(groups) != os.getgroups():
        os.setgroups(list(groups))
