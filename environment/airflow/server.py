"""Run a complete Airflow on the loopback address: scheduler, DAG processor, triggerer, API and pages."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Iterator, Mapping

DAGS = Path("pipelines", "orchestration", "airflow", "dags")
_POOL, _GIB = "pipelines_memory", 1 << 30
# The largest node needs 4 GiB; a task that needs more slots than its pool has would wait forever.
_LEAST_SLOTS = 4
_START_SECONDS = 120.0  # seconds to become healthy; it takes 20 on two idle cores
_STOP_SECONDS = 20.0  # seconds to stop


class StartError(Exception):
    """Airflow could not be started. The message says what to do."""


class AirflowServer:
    """Airflow with this project's DAGs. Every user of this machine who reaches its port has full access.

    Args:
        commands: the folder of Airflow's command.
        folder: for its database and logs.
        project: the project's folder.
        port: of the API and the pages.
        settings: environment variables that the DAGs read.
    """

    def __init__(self, *, commands: Path, folder: Path, project: Path, port: int, settings: Mapping[str, str]):
        self.address = f"http://127.0.0.1:{port}"
        self.log = folder / "airflow.log"
        self._command = str(commands / "airflow")
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.environment = {
            # Another Airflow's variables may name its database, which this one would migrate.
            **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
            **settings,
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__API__BASE_URL": self.address,
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(project / DAGS),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.address}/execution/",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": str(max(2, os.cpu_count() or 1)),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",  # seconds until a new graph file is found
            "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",  # its port is fixed, and another Airflow may have it
            "AIRFLOW__TRIGGERER__DEFAULT_CAPACITY": "10",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    @contextlib.contextmanager
    def started(self) -> Iterator[None]:
        """Run Airflow during the block; enter the block when Airflow is healthy.

        Yields:
            Nothing.

        Raises:
            StartError: Airflow ended, or does not become healthy.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            for arguments in (["db", "migrate"], ["pools", "set", _POOL, str(memory_slots()), "GiB of memory"]):
                done = subprocess.run(
                    [self._command, *arguments], env=self.environment, stdout=log, stderr=log, check=False
                )
                if done.returncode:
                    raise StartError(
                        f"`airflow {' '.join(arguments)}` ended with status {done.returncode}; see {self.log}"
                    )
            self._process = subprocess.Popen(
                [self._command, "standalone"],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                # A shell's background job ignores SIGINT; Airflow would inherit that, and it stops by SIGINT.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        try:
            self._wait_until_healthy(self._process)
            yield
        finally:
            self._stop(self._process)

    def wait(self) -> None:
        """Wait until Airflow ends.

        Raises:
            StartError: Airflow ended by itself.
        """
        assert self._process is not None
        status = self._process.wait()
        raise StartError(f"Airflow ended with status {status}: expected it to run until Ctrl-C; see {self.log}")

    def ask(self, path: str, body: Mapping[str, object] | None = None) -> dict[str, object]:
        """Call Airflow's API: GET, or POST with a body."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.address}/api/v2/{path}", data=data, headers={"Content-Type": "application/json"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            found = json.load(answer)
            assert isinstance(found, dict)
            return found

    def _wait_until_healthy(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError, ValueError, urllib.error.URLError):
                parts = self.ask("monitor/health")
                if all(isinstance(part, dict) and part["status"] == "healthy" for part in parts.values()):
                    return
            time.sleep(0.5)
        code = process.returncode
        received = f"an end with status {code}" if code is not None else "no healthy answer in time"
        raise StartError(
            f"Airflow could not be started: expected {self.address}/api/v2/monitor/health to report every part "
            f"healthy, received {received}; see {self.log}, or choose another --port"
        )

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        """Stop Airflow and its processes; its tasks remove unfinished output."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
                break
        with contextlib.suppress(ProcessLookupError):  # processes that outlived their parent
            os.killpg(process.pid, signal.SIGKILL)


def memory_slots() -> int:
    """Return the GiB that tasks may use together: this machine's free memory, at least 4."""
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):  # macOS does not report free memory
        free = 0
    return max(_LEAST_SLOTS, free // _GIB)
