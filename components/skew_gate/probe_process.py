"""Runs components.skew_gate.model_probe in a fresh process, and reads what it leaves: the other half of its files."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from components.candidate_serving import child_process
from components.missing_rule import MissingRule
from components.skew_gate import model_probe
from components.tfrecords import CHUNK_ROWS

_LOG = "probe.log"


def started(
    workdir: Path, raw_files: list[str], model_dir: str, missing: MissingRule, batch_sizes: tuple[int, ...]
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """The probe, running beside the comparison's own half, and ended with it."""
    request = {
        "model": model_dir,
        "examples": raw_files,
        "chunk_rows": CHUNK_ROWS,
        "missing": {"number": missing.number, "string": missing.string},
        "batch_sizes": batch_sizes,
        "answers": str(workdir),
    }
    (workdir / "request.json").write_text(json.dumps(request))
    program = [model_probe.__file__, str(workdir / "request.json")]
    return child_process.started(program, workdir=workdir, log=workdir / _LOG)


def outcome(probe: subprocess.Popen[bytes], workdir: Path, seconds: float) -> dict[str, Any]:
    """Waits for the probe so many seconds, and returns what it says of itself, or what is known of its end."""
    try:
        status = probe.wait(seconds)
    except subprocess.TimeoutExpired:
        return {"error": f"it was not done after {seconds:g} s"}
    done = workdir / model_probe.DONE_NAME
    if done.exists():
        return json.loads(done.read_text())
    return {"error": f"{child_process.last_line(workdir / _LOG)} (exit status {status})"}


def answers(workdir: Path) -> Iterator[dict[str, np.ndarray]]:
    """The probe's answers, chunk by chunk."""
    for path in sorted(workdir.glob("chunk-*.npz")):
        # Strings are pickled; the file is our own probe's, a moment old.
        with np.load(path, allow_pickle=True) as arrays:
            yield dict(arrays)
