"""Map a function over elements in threads, a few elements ahead of the caller.

It is faster only if the function releases the interpreter lock: decoding tf.Examples does (tfx_bsl), and so do reading
and hashing large blocks. Results come in the order of the elements, so they are the same as without threads.
"""

import collections
import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

AHEAD = 2  # elements, each in a thread; more would take more memory without being faster
_From = TypeVar("_From")
_To = TypeVar("_To")


def map_ahead(function: Callable[[_From], _To], elements: Iterable[_From], ahead: int = AHEAD) -> Iterator[_To]:
    """Yield what `map` would yield, computed up to `ahead` elements before it is asked for.

    Args:
        function: may be called in several threads at once.
        elements: read in the caller's thread.
        ahead: how many elements may be in computation or computed and not yet yielded.

    Yields:
        The result for each element, in the order of the elements.

    Raises:
        Exception: Whatever `function` raised for an element, when its result would be yielded.

    Example:
        >>> list(map_ahead(str.upper, ["a", "b", "c"]))
        ['A', 'B', 'C']
    """
    waiting: collections.deque[Future[_To]] = collections.deque()
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(max_workers=ahead, thread_name_prefix="read-ahead"))
        stack.callback(lambda: [future.cancel() for future in waiting])  # runs before the pool waits for its threads
        for element in elements:
            waiting.append(pool.submit(function, element))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
