"""The peer's process: FastAPI and TensorFlow under uvicorn, a worker for each core, beside the servers."""

import contextlib
import dataclasses
import os
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.serving.plan import Targets
from benchmarks.serving.processes import free_ports, running

_APP = "benchmarks.serving.peers.fastapi_service:make_app"
_MODEL = "PEER_MODEL"  # as that module says; importing it would load FastAPI
_OTHER_WORKERS_SECONDS = 3.0  # one answers, and the others load the same model at the same time


@contextlib.contextmanager
def beside(targets: Targets, version: Path, folder: Path) -> Iterator[Targets]:
    """The targets with the peer of one version, ready; it ends with the block.

    Raises:
        ServerError: It does not start, or fails.
    """
    (port,) = free_ports(1)
    arguments = ["-m", "uvicorn", "--factory", _APP, "--port", str(port), "--no-access-log"]
    arguments += ["--workers", str(os.cpu_count() or 1)]
    environment = {_MODEL: str(version.resolve()), "TF_CPP_MIN_LOG_LEVEL": "3"}
    with running("the FastAPI peer", arguments, environment, folder / "peer.log") as peer:
        peer.wait_for(f"http://127.0.0.1:{port}/healthz")
        time.sleep(_OTHER_WORKERS_SECONDS)
        processes = {**targets.processes, "peer": peer.process.pid}
        yield dataclasses.replace(targets, peer_port=port, processes=processes)
