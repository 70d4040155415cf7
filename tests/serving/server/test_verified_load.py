"""Only signed versions are loaded: a real SavedModel is altered file by file, and the last good version answers on."""

import asyncio
import contextlib
import dataclasses
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import model_pb2
from tensorflow_serving.config import model_server_config_pb2

from serving.server import warmup
from serving.server.errors import ServingError
from serving.server.manager import LoadOptions, ModelManager
from serving.server.model_versions import State
from serving.server.verified_load import admit_signed
from serving.signing.errors import Reason, RefusedVersionError, SigningError
from serving.signing.verification import SIGNATURE, VerifiedVersion, verify
from tests.serving.running_server import running
from tests.serving.server.saved_models import save_line
from tests.serving.signing.signed_models import Key

QUICK = LoadOptions(poll_seconds=0.01, load_retries=3, retry_seconds=60)
FILES = ("saved_model.pb", "fingerprint.pb", "variables/variables.index", "variables/variables.data-00000-of-00001",
         "assets/words", "assets.extra/schema.pbtxt")  # fmt: skip
Scenario = Callable[["Site", ModelManager], Awaitable[None]]


@pytest.fixture(scope="module")
def key() -> Key:
    return Key()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a weight, a look-up table of an asset, and files that TensorFlow does not read."""
    folder = tmp_path_factory.mktemp("saved")
    (folder / "words").write_text("no\nyes\n")
    rows = tf.lookup.TextFileInitializer(
        str(folder / "words"),
        tf.string,
        tf.lookup.TextFileIndex.WHOLE_LINE,
        tf.int64,
        tf.lookup.TextFileIndex.LINE_NUMBER,
    )
    module = tf.Module()
    module.table, module.weight = tf.lookup.StaticHashTable(rows, -1), tf.Variable(10.0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "word")])
    def weigh(word):
        return {"y": tf.cast(module.table.lookup(word), tf.float32) * module.weight}

    tf.saved_model.save(module, str(folder / "model"), signatures={"serving_default": weigh})
    (folder / "model" / "assets.extra").mkdir()
    (folder / "model" / "assets.extra" / "schema.pbtxt").write_text("feature {}")
    names = {str(path.relative_to(folder / "model")) for path in (folder / "model").rglob("*") if path.is_file()}
    assert names == set(FILES), "every file of it is altered below"
    return folder / "model"


class Site:
    """A folder that versions of `words` are pushed to."""

    def __init__(self, folder: Path, saved: Path, key: Key) -> None:
        self.base, self.saved, self.key, self.refusals = folder / "words", saved, key, list[tuple[str, str]]()
        self.options = QUICK
        self.base.mkdir()
        self.keys = key.write_public(folder / "keys" / "key.pem").parent

    def push(
        self, number: int, change: Callable[[Path], object] = lambda version: None, key: Key | None = None
    ) -> None:
        """Signs a version, changes it, and only then lets the server see it."""
        version = Path(shutil.copytree(self.saved, self.base / f"{number}.tmp"))
        (key or self.key).signs("words").sign(version, number, into=version)
        change(version)
        version.rename(self.base / str(number))

    def ask(self, manager: ModelManager) -> tuple[int, float]:
        with manager.lease(model_pb2.ModelSpec(name="words")) as (version, servable):
            word = {"word": np.array([b"yes"], dtype=object)}
            return version, servable.run(servable.signatures["serving_default"], word, ["y"])["y"].item()

    def play(self, scenario: Scenario) -> None:
        """Runs a scenario on a server of this folder; it has a minute."""

        @contextlib.asynccontextmanager
        async def managed() -> AsyncIterator[ModelManager]:
            admit = admit_signed(self.keys, lambda model, reason: self.refusals.append((model, reason)))
            manager = ModelManager(self.options, warmup.warm_up, admit)
            polling = asyncio.create_task(manager.poll())
            try:
                yield manager
            finally:
                polling.cancel()
                await manager.close()

        async def run() -> None:
            async with managed() as manager:
                await asyncio.wait_for(scenario(self, manager), 60)

        asyncio.run(run())

    def config(self, policy: str = "") -> model_server_config_pb2.ModelServerConfig:
        entry = f'config {{ name: "words" base_path: "{self.base}" model_platform: "tensorflow" {policy} }}'
        return text_format.Parse(f"model_config_list {{ {entry} }}", model_server_config_pb2.ModelServerConfig())


@pytest.fixture
def site(tmp_path: Path, saved: Path, key: Key) -> Site:
    return Site(tmp_path, saved, key)


def why(manager: ModelManager, number: int) -> str | None:
    """What the status says of a version that ended; None while it has not."""
    for version in manager.status(model_pb2.ModelSpec(name="words")):
        if version.number == number and version.state == State.END:
            assert version.error is not None
            return version.error.message
    return None


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def test_every_file_of_a_version_altered_and_the_last_good_one_answers(site: Site) -> None:
    def flip(name: str) -> Callable[[Path], object]:
        def change(version: Path) -> None:
            data = bytearray((version / name).read_bytes())
            data[len(data) // 2] ^= 1
            (version / name).write_bytes(data)

        return change

    changes = [flip(name) for name in FILES]
    changes += [
        lambda version, name=name: (version / name).write_bytes((version / name).read_bytes()[:-1]) for name in FILES
    ]
    changes += [lambda version, name=name: (version / name).unlink() for name in FILES]
    changes += [flip(SIGNATURE), lambda version: (version / SIGNATURE).unlink()]
    changes += [lambda version: (version / "variables" / "more").touch()]
    changes += [lambda version: (version / "linked").symlink_to("/etc/passwd")]

    async def scenario(site: Site, manager: ModelManager) -> None:
        site.push(1)
        await manager.reload(site.config())
        assert site.ask(manager) == (1, 10.0)
        for number, change in enumerate(changes, start=2):
            site.push(number, change)
            await until(lambda number=number: number in known(manager) and why(manager, number))
            assert why(manager, number).startswith(f"version {number} of words must not be loaded: ")
            assert site.ask(manager) == (1, 10.0)
        site.push(100)
        await until(lambda: site.ask(manager) == (100, 10.0))
        assert not list(site.base.parent.glob("verified-*"))

    site.play(scenario)
    assert len(site.refusals) == len(changes), "each was looked at once"
    reasons = [reason for _, reason in site.refusals]
    assert reasons[: 3 * len(FILES)] == ["altered_file"] * 2 * len(FILES) + ["missing_file"] * len(FILES)
    assert reasons[3 * len(FILES) + 1 :] == ["unsigned", "extra_file", "no_regular_file"]


def known(manager: ModelManager) -> set[int]:
    return {version.number for version in manager.status(model_pb2.ModelSpec(name="words"))}


def test_a_server_that_starts_beside_a_refused_version_takes_the_one_before(site: Site) -> None:
    async def scenario(site: Site, manager: ModelManager) -> None:
        site.push(1)
        site.push(2)
        site.push(3, key=Key())
        (site.base / "4").symlink_to(site.base / "2")
        site.push(5, lambda version: (version / "saved_model.pb").write_bytes(b"another program"))
        await manager.reload(site.config())
        assert site.ask(manager) == (2, 10.0)
        assert "expected one of the keys" in why(manager, 3)
        assert "expected a folder, received a symbolic link" in why(manager, 4)
        await asyncio.sleep(0.1)
        assert len(site.refusals) == 3, "none is tried again at each look"

    site.play(scenario)


def test_a_hundred_refused_versions_hide_no_good_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The status forgets old versions that ended; these it must not, or they would be tried in turn for ever."""
    monkeypatch.setattr("serving.server.manager._ENDED_KEPT", 2)

    async def scenario(site: Site, manager: ModelManager) -> None:
        site.push(1)
        for number in range(2, 7):
            (site.base / str(number)).mkdir()
        await manager.reload(site.config())
        assert site.ask(manager) == (1, 10.0)

    site.play(scenario)
    assert len(site.refusals) == 5


def test_the_version_that_answers_stays_when_its_folder_is_replaced_by_a_refused_one(site: Site) -> None:
    async def scenario(site: Site, manager: ModelManager) -> None:
        site.push(1)
        await manager.reload(site.config())
        shutil.rmtree(site.base / "1")
        site.push(2, key=Key())
        await until(lambda: 2 in known(manager) and why(manager, 2))
        await asyncio.sleep(0.05)
        assert site.ask(manager) == (1, 10.0)
        site.push(3)
        await until(lambda: site.ask(manager) == (3, 10.0))

    site.play(scenario)


def test_a_version_that_stays_unreadable_is_tried_again_and_then_passed_over(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify_with_a_bad_disk(version: Path, *, number: int, **others: Any) -> VerifiedVersion:
        if number == 2:
            raise RefusedVersionError(Reason.UNREADABLE, "Input/output error")
        return verify(version, number=number, **others)

    monkeypatch.setattr("serving.server.verified_load.verify", verify_with_a_bad_disk)
    site.options = dataclasses.replace(QUICK, retry_seconds=0.01)

    async def scenario(site: Site, manager: ModelManager) -> None:
        site.push(1)
        site.push(2)
        with contextlib.suppress(ServingError):
            await manager.reload(site.config())
        await until(lambda: State.AVAILABLE in states(manager))
        assert site.ask(manager) == (1, 10.0)

    site.play(scenario)
    assert len(site.refusals) == 4, "once, and three times more"


def test_nothing_but_refused_versions(site: Site) -> None:
    async def scenario(site: Site, manager: ModelManager) -> None:
        site.push(1, key=Key())
        site.push(2, lambda version: (version / SIGNATURE).unlink())
        with pytest.raises(ServingError, match="words: version 2 of words must not be loaded: it has no signature"):
            await manager.reload(site.config())
        site.push(3)
        await until(lambda: known(manager) == {1, 2, 3} and State.AVAILABLE in states(manager))
        assert site.ask(manager) == (3, 10.0)

    site.play(scenario)


def states(manager: ModelManager) -> list[int]:
    return [version.state for version in manager.status(model_pb2.ModelSpec(name="words"))]


def test_a_version_that_is_asked_for_by_number_has_no_substitute(site: Site) -> None:
    async def scenario(site: Site, manager: ModelManager) -> None:
        site.push(1)
        site.push(2, key=Key())
        with pytest.raises(ServingError, match="version 2 of words must not be loaded: it is signed by"):
            await manager.reload(site.config("model_version_policy { specific { versions: 2 } }"))
        await manager.apply(site.config("model_version_policy { specific { versions: 1 } }"))
        await until(lambda: State.AVAILABLE in states(manager))
        assert site.ask(manager) == (1, 10.0)
        site.key.signs("words").sign(site.base / "2", 2, into=site.base / "2")
        await manager.apply(site.config("model_version_policy { specific { versions: 2 } }"))
        await until(lambda: site.ask(manager) == (2, 10.0))

    site.play(scenario)


def test_what_is_loaded_is_what_was_verified(site: Site) -> None:
    """A file that is exchanged after its verification changes nothing: it is not read again."""
    admit = admit_signed(site.keys, lambda model, reason: None)
    site.push(1)
    with admit("words", 1, site.base / "1") as folder:
        for name in FILES:
            (site.base / "1" / name).write_bytes(b"another program")
        assert {name: (folder / name).read_bytes() for name in FILES} == {
            name: (site.saved / name).read_bytes() for name in FILES
        }
        assert not folder.is_relative_to(site.base)
        assert folder.parent.stat().st_mode & 0o077 == 0
    assert not folder.exists()


def test_tensorflows_own_operations_that_reach_outside_are_not_signed(tmp_path: Path, key: Key) -> None:
    """As TensorFlow writes them: in a function that another one calls in a loop."""

    @tf.function
    def inner(path):
        return tf.while_loop(lambda text: True, lambda text: [tf.io.read_file(path)], [path], maximum_iterations=1)[0]

    @tf.function(input_signature=[tf.TensorSpec([], tf.string, "path")])
    def outer(path):
        return {"y": inner(path)}

    tf.saved_model.save(tf.Module(), str(tmp_path / "1"), signatures=outer)
    with pytest.raises(SigningError, match=r"node .* in function .*while_body.* runs ReadFile: expected operations"):
        key.sign(tmp_path / "1")


def test_models_of_tensorflow_1_are_signed(tmp_path: Path, key: Key) -> None:
    from tests.serving.server.saved_models import save_counter

    for folder in (save_line(tmp_path / "line", 1), save_counter(tmp_path / "counter", 1)):
        key.sign(folder)


@pytest.mark.pipeline
def test_a_server_as_a_process(tmp_path: Path, key: Key) -> None:
    base, keys = tmp_path / "line", key.write_public(tmp_path / "keys" / "key.pem").parent
    key.sign(save_line(base, 1, slope=3), "line")
    config = tmp_path / "monitoring.config"
    config.write_text("prometheus_config { enable: true }")
    with running(tmp_path, "--model_name=line", f"--model_base_path={base}", f"--verify_keys={keys}",
                 f"--monitoring_config_file={config}", "--file_system_poll_wait_seconds=0.1") as server:  # fmt: skip
        beside = save_line(tmp_path / "elsewhere", 2, slope=4)
        Key().sign(beside, "line")
        beside.rename(base / "2")
        server.wait_for(lambda: server.states("line").get(2) == "END")
        answer = httpx.post(f"{server.url}/v1/models/line:predict", json={"instances": [2.0]})
        assert answer.json() == {"predictions": [6.5]}
        statuses = httpx.get(f"{server.url}/v1/models/line").json()["model_version_status"]
        refused = next(status for status in statuses if status["version"] == "2")
        assert refused["status"]["error_code"] == "FAILED_PRECONDITION"
        assert refused["status"]["error_message"].startswith("version 2 of line must not be loaded: it is signed by ")
        metrics = httpx.get(f"{server.url}/monitoring/prometheus/metrics").text
        assert 'model_versions_refused_total{model_name="line",reason="unknown_key"} 1.0' in metrics
        assert f"Only versions signed by {key.id} are loaded." in server.log.read_text()
