"""What a replay starts ends with it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.replay.processes import Commands
from tests.runs.project import SOURCE

STARTS_A_GATEWAY = """
import sys, time
from pathlib import Path
from pipelines.replay.processes import Server
if __name__ == "__main__":
    folder = Path(sys.argv[1])
    server = Server("gateway", folder / "gateway.log", ("--port=0",), {"REPLAY_TEST": str(folder)})
    time.sleep(600)
"""

RUNS_A_COMMAND = """
import sys
from pathlib import Path
from pipelines.replay import processes
if __name__ == "__main__":
    processes._PRELOADED = "pipelines.cli.app"  # TFX is not needed here
    processes.Commands(Path(sys.argv[1]) / "loop.log").run("tests.pipelines.replay.waiting_command")
"""


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_a_server_ends_with_the_replay_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "starts_a_gateway.py"
    script.write_text(STARTS_A_GATEWAY)
    environment = os.environ | {"PYTHONPATH": str(SOURCE)}
    replay = subprocess.Popen([sys.executable, str(script), str(tmp_path)], cwd=SOURCE, env=environment)
    try:
        log = tmp_path / "gateway.log"
        wait_until(lambda: log.exists() and "Application startup complete" in log.read_text())
        children = subprocess.run(
            ["pgrep", "-P", str(replay.pid)], capture_output=True, text=True, check=True
        ).stdout.split()
        assert len(children) >= 1
    finally:
        replay.send_signal(signal.SIGKILL)
        replay.wait()
    wait_until(lambda: not any(is_alive(int(child)) for child in children))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_command_ends_with_the_replay_and_so_does_what_it_started(tmp_path: Path, number: signal.Signals) -> None:
    script, log = tmp_path / "runs_a_command.py", tmp_path / "loop.log"
    script.write_text(RUNS_A_COMMAND)
    environment = os.environ | {"PYTHONPATH": str(SOURCE)}
    replay = subprocess.Popen([sys.executable, str(script), str(tmp_path)], cwd=SOURCE, env=environment)
    try:
        wait_until(lambda: log.exists() and "started" in log.read_text())
        started = [int(word) for word in log.read_text().partition("started ")[2].split()[:2]]
    finally:
        replay.send_signal(number)
        replay.wait()
    wait_until(lambda: not any(is_alive(process) for process in started))


@pytest.mark.slow
def test_a_command_leaves_its_status_and_what_it_said_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.replay.processes._PRELOADED", "pipelines.cli.app")  # TFX is not needed here
    commands = Commands(tmp_path / "loop.log")
    assert commands.run("pipelines", "runs", "list", "--var", str(tmp_path)) == 1
    assert commands.run("serving", "rollout", "--help") == 0
    assert commands.run("pipelines", "rum") == 2
    said = (tmp_path / "loop.log").read_text()
    assert f"$ python -m pipelines runs list --var {tmp_path}\nerror: no runs below {tmp_path / 'runs'}" in said
    assert 'Did you mean "run"?' in said
