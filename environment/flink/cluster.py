"""Start and stop the processes of the cluster: a JobManager, TaskManagers, and Beam's job server.

Everything is below one folder: `cluster.json` with addresses and process ids, `conf/`, `log/`, `tmp/`. A process is
identified by its id and its start time, so that no other process is ever stopped by mistake.
"""

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Iterator

from environment.flink.packages import Packages

STATE = "cluster.json"
JOB_MANAGER, JOB_SERVER = "jobmanager", "jobserver"
_PORTS, _NAMES = "ports.json", ("rest", "rpc", "blob", "job", "artifact", "expansion")
_HERE = Path(__file__).resolve().parent
_HOST = "127.0.0.1"
_START_SECONDS = 120.0
_STOP_SECONDS = 15.0

_OPENED = (
    *("lang", "lang.reflect", "net", "io", "nio", "text", "time"),
    *("util", "util.concurrent", "util.concurrent.atomic", "util.concurrent.locks"),
)
# Java 17 closes these packages; Flink's serializers and network layer use them (see Flink's conf/config.yaml).
_JAVA = [
    "--add-exports=java.base/sun.net.util=ALL-UNNAMED",
    "--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    *(f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in _OPENED),
]
# Heap and direct memory as in config.yaml: heap is framework plus task; direct memory adds the network's.
_TASK_MANAGER_MEMORY = ["-Xms128m", "-Xmx896m", "-XX:MaxDirectMemorySize=768m", "-XX:MaxMetaspaceSize=256m"]


class ClusterError(RuntimeError):
    """The cluster does not start, or one is running already."""


def _read_stat(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat from the third on, the state.

    Args:
        pid: the id of a process.

    Returns:
        The fields.

    Raises:
        ProcessLookupError: There is no such process.
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError) as error:
        raise ProcessLookupError(f"no process {pid}") from error


@dataclasses.dataclass(frozen=True)
class Process:
    """A process, and its start time, in ticks of the kernel since the machine's start."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> "Process":
        """Return the process that has this id now.

        Args:
            pid: the id.

        Returns:
            The process.

        Raises:
            ProcessLookupError: There is none.
        """
        return cls(pid, int(_read_stat(pid)[19]))  # field 22 of proc(5)

    def runs(self) -> bool:
        """Return whether the process still runs: the same one, and not a zombie."""
        try:
            stat = _read_stat(self.pid)  # once: the process may end between two reads
        except ProcessLookupError:
            return False
        return int(stat[19]) == self.started and stat[0] != "Z"

    def kill(self) -> None:
        """Kill the process at once, without any cleanup, as a crash would."""
        if self.runs():
            os.kill(self.pid, signal.SIGKILL)
            _wait(lambda: not self.runs(), _STOP_SECONDS)

    def stop(self) -> None:
        """Stop the process and its children: SIGTERM first, then SIGKILL."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not self.runs():
                break
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)
            _wait(lambda: not self.runs(), _STOP_SECONDS)
        # Python workers are in the TaskManager's process group, and may outlive it. A group keeps its id from others
        # while it has members; once it has none, a later process may have the id.
        if not self._is_another():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def _is_another(self) -> bool:
        try:
            return Process.of(self.pid) != self
        except ProcessLookupError:
            return False


class Cluster:
    """The cluster of one folder."""

    def __init__(self, folder: Path, packages: Packages) -> None:
        self.folder = folder.absolute()
        self._packages = packages

    def up(self, task_managers: int, slots: int) -> None:
        """Start everything, and return once all slots are available and the job server answers.

        Args:
            task_managers: the number of worker processes.
            slots: of each.

        Raises:
            ClusterError: A cluster is running already, Java is missing, or it does not start; then nothing is left
                running.
        """
        if running := running_processes(self.folder):
            raise ClusterError(
                f"a cluster is running from {self.folder}: processes {', '.join(sorted(running))}; "
                "use it, or stop it with `make flink-down`"
            )
        if shutil.which("java") is None:
            raise ClusterError("java: expected Java 17 on PATH for a Flink cluster, received none; install it")
        for name in ("conf", "log", "tmp", "artifacts"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        ports = _choose_ports(self.folder)
        self._configure(ports)
        _write_state(
            self.folder,
            {
                "rest": f"{_HOST}:{ports['rest']}",
                "job_endpoint": f"{_HOST}:{ports['job']}",
                "slots": task_managers * slots,
            },
        )
        try:
            self._start_job_manager()
            for number in range(1, task_managers + 1):
                self.start_task_manager(f"taskmanager-{number}", slots)
            self._start_job_server(ports)
            self._wait_for(task_managers * slots, ports)
        except BaseException:
            down(self.folder)
            raise

    def start_task_manager(self, name: str, slots: int) -> None:
        """Start one more worker, or replace a worker that has ended: stop the processes that it left first."""
        if (dead := running_state(self.folder).get(name)) is not None:
            dead.stop()
        self._start(
            name,
            [*_TASK_MANAGER_MEMORY, "-cp", self._flink_class_path()],
            "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
            ["--configDir", str(self.folder / "conf"), "-D", f"taskmanager.numberOfTaskSlots={slots}",
             "-D", f"taskmanager.resource-id={name}"],
        )  # fmt: skip

    def _start_job_manager(self) -> None:
        self._start(
            JOB_MANAGER,
            ["-Xmx1g", "-cp", self._flink_class_path()],
            "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
            ["--configDir", str(self.folder / "conf"), "--executionMode", "cluster"],
        )

    def _start_job_server(self, ports: "dict[str, int]") -> None:
        self._start(
            JOB_SERVER,
            ["-Xmx1g", "-cp", _class_path(self._packages.job_server)],
            "org.apache.beam.runners.flink.FlinkJobServerDriver",
            ["--flink-master", f"{_HOST}:{ports['rest']}", "--job-host", _HOST, "--job-port", str(ports["job"]),
             "--artifact-port", str(ports["artifact"]), "--expansion-port", str(ports["expansion"]),
             "--artifacts-dir", str(self.folder / "artifacts")],
        )  # fmt: skip

    def _flink_class_path(self) -> str:
        return _class_path([*self._packages.flink, *self._packages.beam])

    def _start(self, name: str, java: "list[str]", main: str, arguments: "list[str]") -> None:
        log4j = f"-Dlog4j.configurationFile=file:{_HERE / 'log4j.properties'}"
        command = ["java", *_JAVA, log4j, f"-Djava.io.tmpdir={self.folder / 'tmp'}", *java, main, *arguments]
        with (self.folder / "log" / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )
        state = read_state(self.folder)
        state.setdefault("processes", {})[name] = dataclasses.asdict(Process.of(process.pid))
        _write_state(self.folder, state)

    def _configure(self, ports: "dict[str, int]") -> None:
        settings = (_HERE / "config.yaml").read_text()
        added = {
            "jobmanager.rpc.port": ports["rpc"],
            "blob.server.port": ports["blob"],
            "rest.port": ports["rest"],
            "io.tmp.dirs": self.folder / "tmp",
        }
        settings += "".join(f"{name}: {value}\n" for name, value in added.items())
        (self.folder / "conf" / "config.yaml").write_text(settings)

    def _wait_for(self, slots: int, ports: "dict[str, int]") -> None:
        def ready() -> bool:
            for name, process in running_state(self.folder).items():
                if not process.runs():
                    raise ClusterError(f"{name} ended during its start; see {self.folder / 'log' / name}.log")
            return _slots(f"{_HOST}:{ports['rest']}") == slots and _listens(ports["job"])

        if not _wait(ready, _START_SECONDS):
            raise ClusterError(
                f"the cluster did not start: expected {slots} slots and a job server within {_START_SECONDS:.0f} s; "
                f"see the logs below {self.folder / 'log'}"
            )


def down(folder: Path) -> "list[str]":
    """Stop every running process of the folder's cluster, and return their names."""
    stopped = []
    for name, process in running_state(folder).items():
        if process.runs():
            stopped.append(name)
        process.stop()
    with contextlib.suppress(FileNotFoundError):
        (folder / STATE).unlink()
    return stopped


def running_processes(folder: Path) -> "dict[str, Process]":
    """Return the running processes of the folder's cluster, by name."""
    return {name: process for name, process in running_state(folder).items() if process.runs()}


def running_state(folder: Path) -> "dict[str, Process]":
    """Return all processes that were started, by name."""
    return {name: Process(**fields) for name, fields in read_state(folder).get("processes", {}).items()}


def read_state(folder: Path) -> "dict[str, Any]":
    """Return the content of `cluster.json`; empty if no cluster was started."""
    try:
        return dict(json.loads((folder / STATE).read_text()))
    except FileNotFoundError:
        return {}


def _write_state(folder: Path, state: "dict[str, Any]") -> None:
    partial = folder / f"{STATE}.tmp"
    partial.write_text(json.dumps(state, indent=1))
    partial.replace(folder / STATE)


def _class_path(jars: "list[Path]") -> str:
    return os.pathsep.join(map(str, jars))


def _choose_ports(folder: Path) -> "dict[str, int]":
    """Return the ports of the folder's last cluster if all are free, so that addresses stay the same."""
    remembered = folder / "conf" / _PORTS
    try:
        ports = {name: int(json.loads(remembered.read_text())[name]) for name in _NAMES}
    except (FileNotFoundError, ValueError, KeyError):
        ports = {}
    if not ports or any(map(_listens, ports.values())):
        ports = dict(zip(_NAMES, _free_ports(len(_NAMES))))
    remembered.write_text(json.dumps(ports))
    return ports


def _free_ports(count: int) -> "Iterator[int]":
    """Return free ports; all are held until the last is found, so that they differ."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((_HOST, 0))
        ports = [one.getsockname()[1] for one in sockets]
    return iter(ports)


def _slots(rest: str) -> int:
    try:
        with urllib.request.urlopen(f"http://{rest}/overview", timeout=5) as answer:
            return int(json.load(answer)["slots-total"])
    # the cluster is starting; the caller has a time limit
    except (urllib.error.URLError, OSError, ValueError, KeyError):
        return 0


def _listens(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex((_HOST, port)) == 0


def _wait(condition: "Any", seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True
