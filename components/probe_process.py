"""Runs components.skew_probe in a fresh process, and reads what it leaves: the other half of its files."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from components import skew_probe
from components.missing_rule import MissingRule

_STDERR = "stderr"


@contextmanager
def started(
    workdir: Path, raw_files: list[str], model_dir: str, missing: MissingRule, batch_sizes: tuple[int, ...]
) -> Iterator[subprocess.Popen[bytes]]:
    """The probe, running beside the comparison's own half, and ended with it."""
    request = {
        "model": model_dir,
        "examples": raw_files,
        "missing": {"number": missing.number, "string": missing.string},
        "batch_sizes": batch_sizes,
        "answers": str(workdir),
    }
    (workdir / "request.json").write_text(json.dumps(request))
    command = [sys.executable, "-P", skew_probe.__file__, str(workdir / "request.json")]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # The Trainer's process holds the GPU's memory, and kernels there may differ from batch size to batch size.
    environment["CUDA_VISIBLE_DEVICES"] = "-1"
    with (
        (workdir / _STDERR).open("wb") as stderr,
        # The pipe that is the probe's standard input closes when this process dies, and the probe ends too.
        subprocess.Popen(
            command, cwd=workdir, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr
        ) as probe,
    ):
        try:
            yield probe
        finally:
            probe.kill()


def outcome(probe: subprocess.Popen[bytes], workdir: Path) -> dict[str, Any]:
    """Waits for the probe, and returns what it says of itself, or what is known of its death."""
    status = probe.wait()
    done = workdir / skew_probe.DONE_NAME
    if done.exists():
        return json.loads(done.read_text())
    lines = (workdir / _STDERR).read_text(errors="replace").strip().splitlines()
    return {"error": f"{lines[-1] if lines else 'no message'} (exit status {status})"}


def answers(workdir: Path) -> Iterator[dict[str, np.ndarray]]:
    """The probe's answers, chunk by chunk."""
    for path in sorted(workdir.glob("chunk-*.npz")):
        # Strings are pickled; the file is our own probe's, a moment old.
        with np.load(path, allow_pickle=True) as arrays:
            yield dict(arrays)
