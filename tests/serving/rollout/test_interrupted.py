"""Roll-outs that are killed, told to end, or find a server down; and two at once."""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from serving.rollout.models_config import ModelsConfig
from tests.serving.rollout.conftest import MODEL, Site
from tests.serving.rollout.load import Load
from tests.serving.rollout.server import ServerProcess, running

pytestmark = [pytest.mark.pipeline, pytest.mark.one_stack]

LONG = ("--drain", "600")  # a promotion or rollback stands still between the labels and the unloading


def until(process: subprocess.Popen[str], word: str) -> None:
    """Returns when the process has said a line that begins with the word."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith(word):
            return
    raise AssertionError(f"never said {word}: {said}")


@pytest.fixture
def on_trial(pinned: Site) -> Site:
    pinned.ok("canary", "2", "--percent", "10")
    return pinned


STANDS_STILL = {"promote": "traffic ", "rollback": "labels "}  # the last line before


def kill(site: Site, command: str) -> None:
    """Kills a command when labels and traffic have moved and nothing was unloaded yet."""
    with site.started(*LONG, command) as process:
        until(process, STANDS_STILL[command])
        process.kill()


def test_a_killed_promotion_is_put_back_by_rollback(on_trial: Site) -> None:
    before = on_trial.config.read_bytes()
    with Load(on_trial.server.ports[1], MODEL) as load:
        kill(on_trial, "promote")
        assert on_trial.config.read_bytes() != before
        assert on_trial.percent() == 0
        code, said = on_trial.run("status")
        assert (code, "repair    promote is unfinished (started): run `rollback`" in said) == (1, True)
        code, said = on_trial.run("canary", "2", "--percent", "50")
        assert (code, "the last step is unfinished: promote by" in said) == (2, True)
        said = on_trial.ok("rollback")
        load.some_more()
    assert "repairing promote by" in said
    assert "done      stable 1, canary 2 at 10%" in said
    assert on_trial.config.read_bytes() == before
    assert on_trial.seen() == ({1, 2}, {"stable": 1, "canary": 2})
    assert on_trial.percent() == 10
    assert load.failures == []
    on_trial.ok("status")
    on_trial.ok("promote")


def test_a_killed_rollback_is_brought_to_its_end_by_the_next(on_trial: Site) -> None:
    kill(on_trial, "rollback")
    assert on_trial.percent() == 0
    assert "done      stable 1" in on_trial.ok("rollback")
    assert on_trial.seen() == ({1}, {"stable": 1, "canary": 1})
    assert on_trial.log()[-1]["result"] == "done"
    on_trial.ok("status")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_step_that_is_told_to_end_puts_back_first(on_trial: Site, number: signal.Signals) -> None:
    before = on_trial.config.read_bytes()
    with on_trial.started(*LONG, "promote") as process:
        until(process, STANDS_STILL["promote"])
        process.send_signal(number)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "put back  stable 1, canary 2 at 10%" in said
    assert on_trial.config.read_bytes() == before
    assert on_trial.seen() == ({1, 2}, {"stable": 1, "canary": 2})
    assert on_trial.percent() == 10
    on_trial.ok("status")


def test_two_at_once(on_trial: Site) -> None:
    with on_trial.started(*LONG, "promote") as process:
        until(process, STANDS_STILL["promote"])
        log = on_trial.log()
        code, said = on_trial.run("rollback")
        assert code == 2
        assert "another roll-out is running: expected no other, received promote of taxi by" in said
        assert f"process {process.pid};" in said
        assert on_trial.log() == log
        assert on_trial.run("status")[0] == 1  # looking is allowed
        process.terminate()
        process.communicate(timeout=60)
    on_trial.ok("rollback")


def test_a_server_that_is_down_changes_nothing(new_site: Callable[[ServerProcess | None], Site]) -> None:
    class Gone:
        ports = (1, 1)
        option = "127.0.0.1:1:1"

    site = new_site(Gone())  # type: ignore[arg-type]
    site.push(2, "similar")
    before = site.config.read_bytes()
    code, said = site.run("canary", "2", "--percent", "5")
    assert code == 1
    assert "no answer from 127.0.0.1:1: expected the server's gRPC port" in said
    code, said = site.run("status")
    assert (code, "server    no answer from 127.0.0.1:1" in said, "on disk   1, 2" in said) == (1, True, True)
    assert site.config.read_bytes() == before
    assert site.log() == []


def test_a_server_that_dies_on_the_way_and_comes_back(
    new_site: Callable[[ServerProcess | None], Site], tmp_path: Path
) -> None:
    site = new_site(None)
    log = tmp_path / "server.log"
    with running(site.config, log) as server:
        site.server = server
        site.ok("pin")
        site.push(2, "similar")
        before = site.config.read_bytes()
        site.ok("canary", "2", "--percent", "10")
        trial = site.config.read_bytes()
        with site.started(*LONG, "promote") as process:
            until(process, STANDS_STILL["promote"])
            server.kill()
            process.terminate()
            said, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "is as it was before, but a server did not receive it" in said
        assert site.config.read_bytes() == trial
        assert site.log()[-1]["result"] == "server not told"

    with running(site.config, log, server.ports) as server:
        assert site.run("promote")[0] == 2
        assert "done      stable 1, canary 2 at 10%" in site.ok("rollback")
        site.ok("status")
        server.kill()
        code, said = site.run("rollback")  # now a real one, of the trial
        assert code == 1
        assert "names stable 1 and no request goes to a canary, but a server did not receive it" in said
        assert site.percent() == 0
        assert ModelsConfig.read(site.config).message == ModelsConfig(site.config, before.decode()).message

    with running(site.config, log, server.ports):
        assert site.seen() == ({1}, {"stable": 1, "canary": 1})
        assert "done      stable 1" in site.ok("rollback")
        site.ok("status")


def test_every_server_is_moved_or_none(pinned: Site, tmp_path: Path, server: ServerProcess) -> None:
    with running(pinned.config, tmp_path / "second.log") as second:
        pinned.options = ["--server", second.option]
        pinned.ok("canary", "2", "--percent", "10")
        with second.client() as client:
            assert (client.available(), client.version_of("canary")) == ({1, 2}, 2)
        assert pinned.seen() == ({1, 2}, {"stable": 1, "canary": 2})
        before = pinned.config.read_bytes()
        with pinned.started(*LONG, "promote") as process:
            until(process, STANDS_STILL["promote"])
            second.kill()
            process.terminate()
            process.communicate(timeout=60)
        assert pinned.config.read_bytes() == before
        assert pinned.run("canary", "2", "--percent", "20")[0] == 2
        assert pinned.seen() == ({1, 2}, {"stable": 1, "canary": 2})  # put back, though the other is down
    pinned.options = []
    pinned.ok("rollback")
    assert pinned.seen() == ({1, 2}, {"stable": 1, "canary": 2})
