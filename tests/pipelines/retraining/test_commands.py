"""The product's commands as child processes, and whom the policy names."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from pipelines.retraining.commands import run_command, tell
from serving.process_control import remember_interrupts

SLEEPER = """
import pathlib, signal, sys, time
def end(*_):
    pathlib.Path("ended").touch()
    sys.exit(130)
signal.signal(signal.SIGTERM, end)
pathlib.Path("began").touch()
time.sleep(60)
"""


def test_the_exit_status_and_the_words_are_those_of_the_command(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_command("pipelines", "run", "--task", "taxy") == 2
    said = capfd.readouterr()
    assert said.out == "$ python -m pipelines run --task taxy\n"
    assert "did you mean 'taxi'?" in said.err


def test_who_is_told_to_end_tells_the_command_and_waits_for_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    monkeypatch.chdir(tmp_path)

    def interrupt() -> None:
        while not (tmp_path / "began").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=interrupt)
    with remember_interrupts():
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            run_command("sleeper")
        thread.join()
    assert (tmp_path / "ended").exists()


def test_a_program_gets_the_text_and_its_failure_is_said(tmp_path: Path) -> None:
    keep = (sys.executable, "-c", "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())", str(tmp_path / "told"))
    assert tell(keep, "promoted für 2\n") is None
    assert (tmp_path / "told").read_text(encoding="utf-8") == "promoted für 2\n"
    assert tell((sys.executable, "-c", "raise SystemExit(3)"), "promoted") == f"{sys.executable} ended with 3"
    assert "could not be run: [Errno 2]" in str(tell((str(tmp_path / "none"),), "promoted"))
