import threading
from collections.abc import Iterator

import pytest

from components.read_ahead import map_ahead

DEADLINE = 60.0  # seconds; a test that would wait for ever fails


def test_elements_in_their_order() -> None:
    later_first = threading.Event()

    def double(number: int) -> int:
        if number == 0:
            assert later_first.wait(DEADLINE), "the next element is computed beside this one"
        else:
            later_first.set()
        return 2 * number

    assert list(map_ahead(double, range(7))) == [0, 2, 4, 6, 8, 10, 12]


def test_no_elements() -> None:
    assert list(map_ahead(str, [])) == []


def test_no_more_is_read_than_what_is_ahead() -> None:
    read = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            read.append(number)
            yield number

    computed = map_ahead(str, numbers(), ahead=2)
    assert next(computed) == "0"
    assert read == [0, 1, 2], "memory holds those in work and the one that was taken"


def test_an_error_comes_when_it_is_its_turn() -> None:
    computed = map_ahead(lambda number: 1 // number, [1, 0, 1])
    assert next(computed) == 1
    with pytest.raises(ZeroDivisionError):
        next(computed)


def test_a_caller_that_stops_leaves_no_thread() -> None:
    computed = map_ahead(str, iter(range(1000)))
    next(computed)
    computed.close()  # type: ignore[attr-defined]  # a generator
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]
