"""Push new versions repeatedly, as the Pusher does, and remove the old ones."""

import json
import shutil
import threading
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.serving.plan import Targets
from benchmarks.serving.processes import wait_until


class Swapper:
    """Swap versions in a separate thread while the context is open.

    Each new version is a copy of `version` under the next number: it is written under another name and renamed; then
    the thread waits until the server reports the new version available and the old one unloaded.

    Args:
        version: the folder to copy.
        base: the folder of versions that the server reads; holds versions already.
        targets: where it answers.
        seconds: from when a version answers to the next push.
        enough: this file is written after `swaps` swaps, and when swapping ends.
        swaps: how many are enough.

    Attributes:
        count: swaps so far.
    """

    def __init__(self, version: Path, base: Path, targets: Targets, seconds: float, enough: Path, swaps: int):
        self._version, self._base, self._targets = version, base, targets
        self._seconds, self._enough, self._swaps = seconds, enough, swaps
        self._end = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="swapper")
        self.count = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread, and raise its error."""
        self._end.set()
        self._thread.join()
        if self._error and error is None:
            raise self._error

    def _run(self) -> None:
        try:
            while not self._end.wait(self._seconds):
                self._swap()
        except Exception as error:  # raised in the other thread, when the context ends
            self._error = error
        finally:
            self._enough.touch()  # so that the load test does not wait for swaps that will not come

    def _swap(self) -> None:
        old = max(int(path.name) for path in self._base.iterdir() if path.name.isdecimal())
        push(self._version, self._base, old + 1)
        wait_until(lambda: self._states().get(old + 1) == "AVAILABLE", f"version {old + 1} to answer")
        wait_until(lambda: self._states().get(old) == "END", f"version {old} to be unloaded")
        shutil.rmtree(self._base / str(old))
        self.count += 1
        if self.count >= self._swaps:
            self._enough.touch()

    def _states(self) -> dict[int, str]:
        url = f"http://127.0.0.1:{self._targets.rest_port}/v1/models/{self._targets.model}"
        with urllib.request.urlopen(url, timeout=60) as response:
            rows = json.load(response)["model_version_status"]
        return {int(row["version"]): row["state"] for row in rows}


def push(version: Path, base: Path, number: int) -> None:
    """Copy a version to another number below `base`, where it is complete or absent."""
    partial = base / f"{number}.tmp"
    shutil.copytree(version, partial)
    partial.rename(base / str(number))
