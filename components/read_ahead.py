"""Computes the next elements in threads, while the caller works on the one before.

It pays where the function leaves the interpreter to others: decoding tf.Examples does (tfx_bsl), and so do reading and
hashing large pieces. Elements come in their order, so what is made of them is the same as without threads.
"""

import collections
import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

AHEAD = 2  # elements, each in a thread; more would only take memory
_From = TypeVar("_From")
_To = TypeVar("_To")


def map_ahead(function: Callable[[_From], _To], elements: Iterable[_From], ahead: int = AHEAD) -> Iterator[_To]:
    """Yields what `map` would yield, computed up to `ahead` elements before it is asked for.

    Args:
        function: may be called in several threads at once.
        elements: read in the caller's thread.
        ahead: elements that are computed, or wait to be taken.

    Raises:
        Exception: What the function raised, when its element's turn comes.
    """
    waiting: collections.deque[Future[_To]] = collections.deque()
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(max_workers=ahead, thread_name_prefix="read-ahead"))
        stack.callback(lambda: [future.cancel() for future in waiting])  # before the pool waits for them
        for element in elements:
            waiting.append(pool.submit(function, element))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
