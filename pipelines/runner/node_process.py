"""Run a function in a fork of this process.

A fork has all libraries loaded, and releases its memory when it ends. A process that has computed with TensorFlow
(`has_computed`) must not be forked: TensorFlow's threads do not exist in the fork, which would wait for them for ever.

The fork ends when its parent process ends, also after `kill -9`. It ignores Ctrl-C, which the terminal sends to all
processes: the parent ends it.
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
# Seconds for TFX's executors to clean up: Docker takes some to stop InfraValidator's container.
_GRACE = 10.0
_Value = TypeVar("_Value")


class NodeProcessError(RuntimeError):
    """A library's error in a fork, with the message of `explain`; or the death of the fork."""


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
        """Wait for the function.

        Returns:
            What the function returned.

        Raises:
            Exception: The function raised it: an error of this project unchanged, another as NodeProcessError.
            NodeProcessError: The process died.
            KeyboardInterrupt: The process was stopped by a signal; or Ctrl-C in this process, while the function still
                runs: `kill` ends it.
        """
        try:
            succeeded, value = self._ours.recv()
        except EOFError:
            raise self._describe_death() from None
        self._process.join()
        self._ours.close()
        if not succeeded:
            error: Exception = _restore_error(*value)
            raise error
        return value

    def kill(self, grace: float = _GRACE) -> None:
        """End the process if it is still running; see `kill_all`."""
        kill_all([self], grace)

    def _describe_death(self) -> BaseException:
        self._process.join()
        status = self._process.exitcode
        if status in _STOPPED:
            return KeyboardInterrupt()
        how = f"signal {-status}" if status is not None and status < 0 else f"exit status {status}"
        hint = "; usually the machine had no memory left: run with --at-once 1" if status == -signal.SIGKILL else ""
        return NodeProcessError(f"its process died without a result: {how}{hint}; see the log")


def kill_all(forks: Sequence[Fork[Any]], grace: float = _GRACE) -> None:
    """End the processes that are still running. Each runs its `finally` blocks first, which end its own children.

    Args:
        forks: the forks, started or not.
        grace: seconds for all of them together; after that, or after another Ctrl-C, they are killed.
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
    """Forks that are ended when a `with` block ends."""

    def __init__(self) -> None:
        self._started: list[Fork[Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        kill_all(self._started)

    def start(self, function: Callable[[], _Value], /) -> Callable[[], _Value]:
        """Start a function in a fork, and return a function that waits for its result, as `Fork.result` does."""
        fork = Fork(function)
        self._started.append(fork)
        fork.start()
        return fork.result


def has_computed() -> bool:
    """Tell whether this process has computed with TensorFlow, and so must not be forked. Do not load TensorFlow."""
    module = sys.modules.get("tensorflow.python.eager.context")
    context = module.context_safe() if module is not None else None
    return context is not None and context._initialized  # TensorFlow's public functions would start it.


def wait_for_any(forks: Sequence[Fork[Any]]) -> Fork[Any]:
    """Wait until one of the forks has a result or is dead, and return that fork."""
    (first, *_) = multiprocessing.connection.wait([fork._ours for fork in forks])
    return next(fork for fork in forks if fork._ours is first)


def _run(function: Callable[[], Any], results: multiprocessing.connection.Connection) -> None:
    """Call the function in the fork, send what it returns or raises, and end the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)  # so that each `finally` is run
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Several processes share a GPU: by default TensorFlow reserves all of its memory for the first.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    try:
        try:
            sent = (True, function())
        except Exception as error:  # The parent process raises it.
            traceback.print_exc()
            sent = (False, _take_apart(error))
        results.send(sent)
    except KeyboardInterrupt:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)  # Tells the parent that it was stopped; see Fork.result.
    exit_now(0)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGKILL)


def _take_apart(error: Exception) -> tuple[type[Exception], tuple[Any, ...], dict[str, Any]]:
    """Return an error's parts for pickling. Its own `__reduce__` would call `__init__` with only the message."""
    parts = (type(error), error.args, error.__dict__)
    if is_of_this_project(error):
        with contextlib.suppress(Exception):  # An error that cannot be pickled is sent as text.
            pickle.dumps(parts)
            return parts
    return (NodeProcessError, (explain(error),), {})


def _restore_error(kind: type[Exception], arguments: tuple[Any, ...], state: dict[str, Any]) -> Exception:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error
