"""The loop's trial on a real model server, by the real roll-out commands, each a process as in production."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.retraining import looking
from pipelines.retraining.commands import run_command
from tests.pipelines.retraining.scripted import NEW, OLD, START, TRIAL_OVER, World, read_accepted
from tests.serving.rollout import models
from tests.serving.rollout.requests_log import write_log
from tests.serving.rollout.server import ServerProcess, running

pytestmark = pytest.mark.pipeline


class ServedWorld(World):
    """The scripted surroundings, with a real server, real versions on disk and real roll-out commands."""

    saved: Path  # SavedModels by name
    pushes: str = "similar"  # the model that a training pushes

    def run(self, package: str, *arguments: str) -> int:
        if package != "serving":
            return super().run(package, *arguments)
        self._note(
            "calls", next(word for word in arguments if word in ("pin", "canary", "compare", "promote", "rollback"))
        )
        return run_command(package, *arguments, "--drain", "0")

    def _run(self, arguments: object) -> None:
        shutil.copytree(self.saved / self.pushes, self.serving / NEW)
        super()._run(arguments)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    models.save(folder / "good", 0.9)
    models.save(folder / "similar", 0.91)
    models.save(folder / "worse", 0.9, offset=0.45)
    return folder


@pytest.fixture
def served(tmp_path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedWorld]:
    """Version 100 answers, unpinned, and 120 requests were logged."""
    monkeypatch.setattr(looking, "list_accepted", read_accepted)
    world = ServedWorld(tmp_path)
    world.saved = saved
    shutil.copytree(saved / "good", world.serving / OLD, dirs_exist_ok=True)
    config = world.options.models_config
    config.write_text(config.read_text().replace("/x", str(world.serving)))
    rows = [{"request_id": f"r{number}", "request_row": 0, "fare": 2.5 * number} for number in range(120)]
    write_log(world.options.requests / "2026-03-01" / "20260301T000000000000Z-test-000001.parquet", rows)
    with running(config, tmp_path / "server.log") as server:
        world.server = (server.option,)
        yield world


def answering(world: ServedWorld) -> dict[str, int | None]:
    server = ServerProcess.__new__(ServerProcess)
    server.ports = tuple(int(port) for port in world.server[0].split(":")[1:])  # type: ignore[assignment]
    with server.client() as client:
        return {label: client.version_of(label) for label in ("stable", "canary")}


def test_a_version_as_good_is_pinned_apart_tried_compared_and_promoted(served: ServedWorld) -> None:
    assert served.take_pass(START) == 0, served.lines("said")
    assert served.lines("calls")[3:] == ["pin", "run", "canary", "compare"]
    assert answering(served) == {"stable": int(OLD), "canary": int(NEW)}
    assert served.take_pass(TRIAL_OVER) == 0, served.lines("said")
    assert answering(served) == {"stable": int(NEW), "canary": int(NEW)}
    assert served.outcomes() == [("promoted", NEW)]


def test_a_worse_one_is_rolled_back_and_the_old_one_never_stops_answering(served: ServedWorld) -> None:
    served.pushes = "worse"
    assert served.take_pass(START) == 1
    assert served.lines("calls")[3:] == ["pin", "run", "canary", "compare", "rollback"]
    assert answering(served) == {"stable": int(OLD), "canary": int(OLD)}
    assert served.outcomes() == [("rolled back", NEW)]
    assert "mean difference" in served.lines("told")[0]
