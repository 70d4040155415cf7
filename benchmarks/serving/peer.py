"""Start the peers that the servers are compared with: FastAPI and TensorFlow under uvicorn, and BentoML if installed.

Each has one worker per core, as its own guide recommends for production.
"""

import contextlib
import dataclasses
import os
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.serving.peers import bentoml_environment
from benchmarks.serving.plan import Targets
from benchmarks.serving.processes import free_ports, running

_FASTAPI = "benchmarks.serving.peers.fastapi_service:make_app"
_BENTOML = "benchmarks.serving.peers.bentoml_service:Peer"
_MODEL = "PEER_MODEL"  # as in these modules; importing them would load their frameworks
_OTHER_WORKERS_SECONDS = 3.0  # one worker answers while the others still load the same model


@contextlib.contextmanager
def start_peers(targets: Targets, version: Path, folder: Path) -> Iterator[Targets]:
    """Start the peers of one version; stop them when the block ends.

    Args:
        targets: the servers.
        version: the version's folder.
        folder: for the peers' logs.

    Yields:
        The targets, with the peers' addresses.

    Raises:
        ServerError: A peer does not start, or fails.
    """
    environment = {_MODEL: str(version.resolve()), "TF_CPP_MIN_LOG_LEVEL": "3"}
    with contextlib.ExitStack() as stack:
        (port,) = free_ports(1)
        arguments = ["-m", "uvicorn", "--factory", _FASTAPI, "--port", str(port), "--no-access-log"]
        arguments += ["--workers", str(os.cpu_count() or 1)]
        peer = stack.enter_context(running("the FastAPI peer", arguments, environment, folder / "peer.log"))
        found = dataclasses.replace(targets, peer_port=port, processes={**targets.processes, "peer": peer.process.pid})
        peer.wait_for(f"http://127.0.0.1:{port}/healthz")
        if bentoml_environment.installed():
            found = stack.enter_context(_with_bentoml(found, environment, folder))
        time.sleep(_OTHER_WORKERS_SECONDS)
        yield found


@contextlib.contextmanager
def _with_bentoml(targets: Targets, environment: dict[str, str], folder: Path) -> Iterator[Targets]:
    (port,) = free_ports(1)
    arguments = ["-m", "bentoml", "serve", _BENTOML, "--port", str(port)]
    own = {"BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": str(folder / "bentoml")}
    log, python = folder / "bentoml.log", str(bentoml_environment.PYTHON)
    with running("the BentoML peer", arguments, environment | own, log, python) as bentoml:
        bentoml.wait_for(f"http://127.0.0.1:{port}/readyz")
        processes = {**targets.processes, "bentoml": bentoml.process.pid}
        yield dataclasses.replace(targets, bentoml_port=port, processes=processes)
