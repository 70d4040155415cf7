"""Run components.skew_gate.model_probe in a separate process, send it rows, and read its outputs."""

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
    """The exported model gave no output in its process; the message says why."""


class Probe:
    """The exported model in a separate process, as a context manager.

    `__enter__` starts the process and does not wait until it has loaded the model. `__exit__` ends it.

    Attributes:
        process: the running process; set by `__enter__`.
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
        """Prepare the request to the process.

        Args:
            workdir: the folder for requests and outputs.
            raw_files: gzipped TFRecord files of raw tf.Examples.
            model_dir: the SavedModel.
            missing: the values of serving_raw that mean that a value is missing.
            batch_sizes: rows per call.
            seconds: time limit for loading the model, and for each chunk of rows.
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
        """Wait for the outputs of one chunk of all rows at the largest batch size.

        Args:
            index: of the chunk.

        Returns:
            Arrays, named as model_probe.load_predictor says.

        Raises:
            ProbeError: The process ended or the time limit passed before they were written.
        """
        # The first chunk may take twice the limit: once for loading the model, once for the rows.
        return self._read(model_probe.CHUNK_NAME.format(index), self._seconds * (1 if index else 2))

    def ask(self, serialized: np.ndarray) -> int:
        """Ask for the outputs of raw tf.Examples [rows] in all other layouts; return the index of the answer."""
        path = self._workdir / model_probe.ASK_NAME.format(self._asked)
        unfinished = path.with_suffix(".unfinished")
        with tf.io.TFRecordWriter(str(unfinished)) as writer:
            for record in serialized:
                writer.write(record)
        unfinished.rename(path)
        self._asked += 1
        return self._asked - 1

    def read_answer(self, index: int, rows: int) -> Arrays:
        """Wait for an answer.

        Args:
            index: as `ask` returned it.
            rows: number of rows that were asked for.

        Returns:
            Arrays, named as model_probe.load_predictor says.

        Raises:
            ProbeError: The process ended or the time limit passed before it was written.
        """
        return self._read(model_probe.ANSWER_NAME.format(index), self._seconds * -(-rows // CHUNK_ROWS))

    def finish(self) -> list[str]:
        """Tell the process that no request will follow, and wait for its result.

        Returns:
            Those of model_probe.FORBIDDEN_MODULES that the process had loaded.

        Raises:
            ProbeError: The process ended with an error, or not within the time limit.
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
        # Arrays of strings are pickled. The file can be trusted: this object's own process has just written it.
        with np.load(path, allow_pickle=True) as arrays:
            outputs = dict(arrays)
        path.unlink()  # the outputs of a million rows would fill the disk
        return outputs

    def _wait_for(self, name: str, seconds: float) -> Path:
        path = self._workdir / name
        until = time.monotonic() + seconds
        while not path.exists():
            if self.process.poll() is not None and not path.exists():
                raise ProbeError(self._describe_end())
            if time.monotonic() > until:
                raise ProbeError(f"it did not write {name} within {seconds:g} s")
            time.sleep(_POLL_SECONDS)
        return path

    def _describe_end(self) -> str:
        result = self._workdir / model_probe.RESULT_NAME
        if result.exists() and "error" in (document := json.loads(result.read_text())):
            return str(document["error"])
        return f"{child_process.read_last_line(self._workdir / _LOG)} (exit status {self.process.returncode})"


def missing_values(missing: MissingRule) -> dict[str, object]:
    """Return the missing rule in the form that model_probe takes."""
    return {"number": missing.number, "string": missing.string}
