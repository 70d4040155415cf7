"""Runs components.skew_gate.model_probe in a process of its own, and reads what it leaves."""

import dataclasses
import json
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from components.candidate_serving import child_process
from components.missing_rule import MissingRule
from components.skew_gate import model_probe
from components.skew_gate.bitwise import Arrays
from components.tfrecords import CHUNK_ROWS

_LOG = "probe.log"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProbeResult:
    """What the exported model computed by itself.

    Attributes:
        rows: raw rows that it was given.
        chunks: its outputs, chunk of rows by chunk of rows, named as model_probe.load_predictor says.
        forbidden_modules: what was loaded with it, of model_probe.FORBIDDEN_MODULES.
        error: why there is no output; None when there is.
    """

    rows: int = 0
    chunks: Iterable[Arrays] = ()
    forbidden_modules: Sequence[str] = ()
    error: str | None = None


def start_probe(
    workdir: Path, raw_files: list[str], model_dir: str, missing: MissingRule, batch_sizes: tuple[int, ...]
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """Starts the probe, which runs beside its caller; the end of the `with` block ends it."""
    request = {
        "model": model_dir,
        "examples": raw_files,
        "chunk_rows": CHUNK_ROWS,
        "missing": missing_values(missing),
        "batch_sizes": batch_sizes,
        "output": str(workdir),
    }
    (workdir / "request.json").write_text(json.dumps(request))
    program = [model_probe.__file__, str(workdir / "request.json")]
    return child_process.run_python(program, workdir=workdir, log=workdir / _LOG)


def wait_for_result(probe: subprocess.Popen[bytes], workdir: Path, seconds: float) -> ProbeResult:
    """Waits for the probe, `seconds` at most, and returns its result, or how it ended without one."""
    try:
        status = probe.wait(seconds)
    except subprocess.TimeoutExpired:
        return ProbeResult(error=f"it was not done after {seconds:g} s")
    if not (workdir / model_probe.RESULT_NAME).exists():
        return ProbeResult(error=f"{child_process.read_last_line(workdir / _LOG)} (exit status {status})")
    return read_result(workdir)


def read_result(workdir: Path) -> ProbeResult:
    """Reads what the probe wrote into `workdir`; the chunks are read one at a time, when they are asked for."""
    return ProbeResult(**json.loads((workdir / model_probe.RESULT_NAME).read_text()), chunks=_read_chunks(workdir))


def missing_values(missing: MissingRule) -> dict[str, object]:
    """Returns the missing rule as model_probe takes it."""
    return {"number": missing.number, "string": missing.string}


def _read_chunks(workdir: Path) -> Iterator[Arrays]:
    for path in sorted(workdir.glob("chunk-*.npz")):
        # Strings are pickled; the file is our own probe's, a moment old.
        with np.load(path, allow_pickle=True) as arrays:
            yield dict(arrays)
