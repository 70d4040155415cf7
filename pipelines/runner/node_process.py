"""Runs a function in a fork of this process, beside it.

A fork has every library loaded, and gives its memory back when it ends. It must not be made of a process that has
computed with TensorFlow (`has_computed`): TensorFlow's threads are not there in the fork, which would wait for them for
ever.

It ends with the process that made it, however that ends: by `kill -9`, too. Ctrl-C in the terminal, which reaches all
processes there, leaves it alone: the process that made it ends it.
"""

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Generic, Self, TypeVar

from pipelines.explain import explain, is_of_this_project
from serving.process_control import exit_now

_FORK = multiprocessing.get_context("fork")
_STOPPED = (-signal.SIGINT, -signal.SIGTERM)
# What TFX's executors do in the end, such as stopping InfraValidator's container, for which Docker takes seconds.
_GRACE = 10.0  # seconds
_Value = TypeVar("_Value")


class NodeProcessError(RuntimeError):
    """What a library raised in a fork, as `explain` says it there; or the fork died."""


class Fork(Generic[_Value]):
    """A function that runs in a fork of this process."""

    def __init__(self, function: Callable[[], _Value]):
        self._ours, self._theirs = _FORK.Pipe(duplex=False)
        self._process = _FORK.Process(target=_run, args=(function, self._theirs))

    def start(self) -> None:
        """Start the function. Call it in the main thread, while no other thread is inside a C++ library."""
        self._process.start()
        self._theirs.close()

    def result(self) -> _Value:
        """Wait for the function, and returns what it returned.

        Raises:
            Exception: What the function raised: an error of this project as it was, another as NodeProcessError.
            NodeProcessError: The process died.
            KeyboardInterrupt: Somebody stopped the process; or Ctrl-C, and the function still runs: `kill` ends it.
        """
        try:
            succeeded, value = self._ours.recv()
        except EOFError:
            raise self._describe_death() from None
        self._process.join()
        self._ours.close()
        if not succeeded:
            raise _restore_error(*value)
        return value

    def kill(self, grace: float = _GRACE) -> None:
        """End the process, where it still runs; see `kill_all`."""
        kill_all([self], grace)

    def _describe_death(self) -> BaseException:
        self._process.join()
        status = self._process.exitcode
        if status in _STOPPED:
            return KeyboardInterrupt()
        how = f"signal {-status}" if status is not None and status < 0 else f"exit status {status}"
        hint = "; as a rule the machine had no memory left: run with --at-once 1" if status == -signal.SIGKILL else ""
        return NodeProcessError(f"its process died without a result: {how}{hint}; see the log")


def kill_all(forks: Sequence[Fork[Any]], grace: float = _GRACE) -> None:
    """End the processes, where they still run: what they do in a `finally` first, and what they started with them.

    Args:
        forks: started or not.
        grace: seconds that they have together; after that, or at another Ctrl-C, they are killed.
    """
    processes = [fork._process for fork in forks if fork._process.pid is not None]
    until = time.monotonic() + grace
    try:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(max(0.0, until - time.monotonic()))
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.join()


class Forks:
    """Forks that end with a `with` block."""

    def __init__(self) -> None:
        self._started: list[Fork[Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        kill_all(self._started)

    def start(self, function: Callable[[], _Value], /) -> Callable[[], _Value]:
        """Start a function in a fork, and returns what waits for its result, as `Fork.result` does."""
        fork = Fork(function)
        self._started.append(fork)
        fork.start()
        return fork.result


def has_computed() -> bool:
    """Tell whether this process has computed with TensorFlow, and so must not be forked; loads and starts nothing."""
    module = sys.modules.get("tensorflow.python.eager.context")
    context = module.context_safe() if module is not None else None
    return context is not None and context._initialized  # Nothing public tells it without starting TensorFlow.


def wait_for_any(forks: Sequence[Fork[Any]]) -> Fork[Any]:
    """Wait until one of the forks has a result or is dead, and returns it."""
    (first, *_) = multiprocessing.connection.wait([fork._ours for fork in forks])
    return next(fork for fork in forks if fork._ours is first)


def _run(function: Callable[[], Any], results: multiprocessing.connection.Connection) -> None:
    """In the fork: sends what the function returns or raises, and ends the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)  # so that each `finally` is run
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Several processes share a GPU: by default TensorFlow takes all of its memory for the first.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    try:
        try:
            sent = (True, function())
        except Exception as error:  # The boundary between the processes: the parent raises it.
            traceback.print_exc()
            sent = (False, _take_apart(error))
        results.send(sent)
    except KeyboardInterrupt:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)  # So the parent knows that it was stopped; see Fork.result.
    exit_now(0)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGKILL)


def _take_apart(error: Exception) -> tuple[type[Exception], tuple[Any, ...], dict[str, Any]]:
    """Take an error apart into what can be pickled. `__reduce__` would call `__init__` with the message alone."""
    parts = (type(error), error.args, error.__dict__)
    if is_of_this_project(error):
        with contextlib.suppress(Exception):  # Whatever cannot be pickled goes as text.
            pickle.dumps(parts)
            return parts
    return (NodeProcessError, (explain(error),), {})


def _restore_error(kind: type[Exception], arguments: tuple[Any, ...], state: dict[str, Any]) -> Exception:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error
