"""Runs components.skew_gate.model_probe in a process of its own, asks it for rows, and reads what it leaves."""

import contextlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import tensorflow as tf

from components.candidate_serving import child_process, standby
from components.missing_rule import MissingRule
from components.skew_gate import model_probe
from components.skew_gate.bitwise import Arrays
from components.tfrecords import CHUNK_ROWS

_LOG = "probe.log"
_POLL_SECONDS = 0.01


class ProbeError(RuntimeError):
    """The exported model gives no output in its process; the message says why."""


class Probe:
    """The exported model in a process of its own; a context manager, at whose end the process ends.

    Entering returns at once: the process loads the model while its caller does something else.

    Attributes:
        process: the process itself, once it runs.
    """

    def __init__(
        self,
        workdir: Path,
        raw_files: list[str],
        model_dir: str,
        missing: MissingRule,
        batch_sizes: Sequence[int],
        seconds: float,
    ):
        """Takes the model and the rows.

        Args:
            workdir: a folder, where the outputs are left.
            raw_files: gzipped TFRecord files of raw tf.Examples.
            model_dir: the SavedModel.
            missing: how serving_raw spells a missing value.
            batch_sizes: rows a call.
            seconds: that loading the model, or answering a chunk of rows, may take.
        """
        self._workdir = workdir
        self._seconds = seconds
        self._request = {
            "model": model_dir,
            "examples": raw_files,
            "chunk_rows": CHUNK_ROWS,
            "missing": missing_values(missing),
            "batch_sizes": list(batch_sizes),
            "output": str(workdir),
        }
        self._asked = 0
        self._running = contextlib.ExitStack()

    def __enter__(self) -> Self:
        request = self._workdir / "request.json"
        request.write_text(json.dumps(self._request))
        self.process: standby.Child = self._running.enter_context(
            standby.run_python([model_probe.__file__, str(request)], workdir=self._workdir, log=self._workdir / _LOG)
        )
        return self

    def __exit__(self, *raised: object) -> None:
        self._running.close()

    def read_chunk(self, index: int) -> Arrays:
        """Waits for the outputs of a chunk of all rows at the largest batch size; model_probe names them.

        Raises:
            ProbeError: They did not come.
        """
        # Loading the model and the first rows: the limit for each.
        return self._read(model_probe.CHUNK_NAME.format(index), self._seconds * (1 if index else 2))

    def ask(self, serialized: np.ndarray) -> int:
        """Asks for rows in all other layouts: a batch of raw tf.Examples [rows]; returns the number of the answer."""
        path = self._workdir / model_probe.ASK_NAME.format(self._asked)
        unfinished = path.with_suffix(".unfinished")
        with tf.io.TFRecordWriter(str(unfinished)) as writer:
            for record in serialized:
                writer.write(record)
        unfinished.rename(path)
        self._asked += 1
        return self._asked - 1

    def read_answer(self, index: int, rows: int) -> Arrays:
        """Waits for an answer about so many rows.

        Raises:
            ProbeError: It did not come.
        """
        return self._read(model_probe.ANSWER_NAME.format(index), self._seconds * -(-rows // CHUNK_ROWS))

    def finish(self) -> list[str]:
        """Says that nothing else will be asked; returns what was loaded of model_probe.FORBIDDEN_MODULES.

        Raises:
            ProbeError: The process ended otherwise.
        """
        (self._workdir / model_probe.LAST_ASK_NAME).touch()
        self._wait_for(model_probe.RESULT_NAME, self._seconds)
        result = json.loads((self._workdir / model_probe.RESULT_NAME).read_text())
        if "error" in result:
            raise ProbeError(result["error"])
        modules: list[str] = result["forbidden_modules"]
        return modules

    def _read(self, name: str, seconds: float) -> Arrays:
        path = self._wait_for(name, seconds)
        # Strings are pickled; the file is our own probe's, a moment old.
        with np.load(path, allow_pickle=True) as arrays:
            outputs = dict(arrays)
        path.unlink()  # a million rows of them fill a disk
        return outputs

    def _wait_for(self, name: str, seconds: float) -> Path:
        path = self._workdir / name
        until = time.monotonic() + seconds
        while not path.exists():
            if self.process.poll() is not None and not path.exists():
                raise ProbeError(self._describe_end())
            if time.monotonic() > until:
                raise ProbeError(f"it was not done after {seconds:g} s")
            time.sleep(_POLL_SECONDS)
        return path

    def _describe_end(self) -> str:
        result = self._workdir / model_probe.RESULT_NAME
        if result.exists() and "error" in (document := json.loads(result.read_text())):
            return str(document["error"])
        return f"{child_process.read_last_line(self._workdir / _LOG)} (exit status {self.process.returncode})"


def missing_values(missing: MissingRule) -> dict[str, object]:
    """Returns the missing rule as model_probe takes it."""
    return {"number": missing.number, "string": missing.string}
