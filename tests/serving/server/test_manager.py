"""The life of models, on real SavedModels and real folders, in this process."""

import asyncio
import contextlib
import shutil
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow_serving.apis import model_pb2
from tensorflow_serving.config import model_server_config_pb2

from serving.server import warmup
from serving.server.errors import ServingError
from serving.server.manager import LoadOptions, ModelManager
from serving.server.model_versions import State
from serving.server.servable import Servable
from tests.serving.server.saved_models import save_line

QUICK = LoadOptions(poll_seconds=0.01, load_retries=0, retry_seconds=0.01)
Scenario = Callable[[ModelManager], Awaitable[None]]
WarmUp = Callable[[Servable, Path], object]


def config(base: Path, more: str = "", name: str = "line") -> model_server_config_pb2.ModelServerConfig:
    entry = f'config {{ name: "{name}" base_path: "{base}" model_platform: "tensorflow" {more} }}'
    return text_format.Parse(f"model_config_list {{ {entry} }}", model_server_config_pb2.ModelServerConfig())


def play(scenario: Scenario, options: LoadOptions = QUICK, warm_up: WarmUp = warmup.warm_up) -> None:
    """Runs a scenario beside the polling; it has a minute."""

    async def run() -> None:
        async with managed(options, warm_up) as manager:
            await asyncio.wait_for(scenario(manager), 60)

    asyncio.run(run())


@contextlib.asynccontextmanager
async def managed(options: LoadOptions, warm_up: WarmUp = warmup.warm_up) -> AsyncIterator[ModelManager]:
    manager = ModelManager(options, warm_up)
    polling = asyncio.create_task(manager.poll())
    try:
        yield manager
    finally:
        polling.cancel()
        await manager.close()


def ask(manager: ModelManager, x: float = 2, **spec: object) -> tuple[int, float]:
    """Version that answers, and its answer."""
    with manager.lease(model_pb2.ModelSpec(name="line", **spec)) as (version, servable):
        values = servable.run(servable.signatures["serving_default"], {"x": np.array([x], np.float32)}, ["y"])
        return version, values["y"].item()


def exactly(version: int) -> dict[str, object]:
    spec = model_pb2.ModelSpec()
    spec.version.value = version
    return {"version": spec.version}


def states(manager: ModelManager, name: str = "line") -> dict[int, str]:
    spec = model_pb2.ModelSpec(name=name)
    return {version.number: State.State.Name(version.state) for version in manager.status(spec)}


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def refused(manager: ModelManager, **spec: object) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(ServingError) as error:
        ask(manager, **spec)
    return error.value.code, error.value.message


def test_the_newest_version_is_served_and_the_next_one_replaces_it(tmp_path: Path) -> None:
    save_line(tmp_path, 4, slope=10)
    save_line(tmp_path, 5, slope=20)

    async def scenario(manager: ModelManager) -> None:
        await manager.reload(config(tmp_path))
        assert ask(manager) == (5, 40.5)
        assert states(manager) == {5: "AVAILABLE"}
        save_line(tmp_path, 6, slope=30)
        await until(lambda: ask(manager) == (6, 60.5))
        await until(lambda: states(manager) == {6: "AVAILABLE", 5: "END"})
        code, message = refused(manager, **exactly(5))
        assert (code, message) == (
            grpc.StatusCode.NOT_FOUND,
            "Servable not found for request: Specific(line, 5)",
        )

    play(scenario)


def test_a_reload_waits_only_for_the_models_that_it_is_asked_to(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_line(tmp_path / "line", 1)

    async def scenario(manager: ModelManager) -> None:
        both = config(tmp_path / "line")
        both.model_config_list.config.add(name="taxi", base_path=str(tmp_path / "taxi"), model_platform="tensorflow")
        await manager.reload(both, ["line"])
        assert ask(manager) == (1, 6.5)
        await asyncio.sleep(0.1)
        assert caplog.text.count("Could not look for versions of taxi") == 1
        save_line(tmp_path / "taxi", 7)
        await manager.reload(both, ["line", "taxi"])
        await until(lambda: manager._models["taxi"].available().keys() == {7})

    play(scenario)


def test_a_request_keeps_its_version_loaded(tmp_path: Path) -> None:
    save_line(tmp_path, 1)

    async def scenario(manager: ModelManager) -> None:
        await manager.reload(config(tmp_path))
        with manager.lease(model_pb2.ModelSpec(name="line")) as (version, servable):
            save_line(tmp_path, 2)
            await until(lambda: states(manager) == {2: "AVAILABLE", 1: "UNLOADING"})
            assert version == 1
            run = servable.run(servable.signatures["serving_default"], {"x": np.ones(1, np.float32)}, ["y"])
            assert run["y"].item() == 3.5
            await asyncio.sleep(0.05)
            assert states(manager)[1] == "UNLOADING"
        await until(lambda: states(manager)[1] == "END")

    play(scenario)


def test_a_broken_version_leaves_the_old_one_serving_and_says_why(tmp_path: Path) -> None:
    save_line(tmp_path, 1)

    async def scenario(manager: ModelManager) -> None:
        await manager.reload(config(tmp_path))
        broken = save_line(tmp_path / "elsewhere", 2)
        (broken / "saved_model.pb").write_bytes(b"no SavedModel")
        broken.rename(tmp_path / "2")
        await until(lambda: states(manager) == {2: "END", 1: "AVAILABLE"})
        assert ask(manager)[0] == 1
        spec = model_pb2.ModelSpec(name="line", **exactly(2))
        (error,) = [version.error for version in manager.status(spec)]
        assert error is not None
        assert str(tmp_path / "2") in error.message
        # Not tried again as it stands …
        await asyncio.sleep(0.05)
        assert states(manager) == {2: "END", 1: "AVAILABLE"}
        # … but once it went, and another came under its name.
        shutil.rmtree(tmp_path / "2")
        (ended,) = manager.status(spec)
        await until(lambda: ended.error is None)
        save_line(tmp_path / "elsewhere", 3).rename(tmp_path / "2")
        await until(lambda: ask(manager)[0] == 2)

    play(scenario)


def test_a_half_copied_version_is_served_when_its_files_are_complete(tmp_path: Path) -> None:
    save_line(tmp_path, 1)
    whole = save_line(tmp_path / "elsewhere", 2, slope=7)

    async def scenario(manager: ModelManager) -> None:
        await manager.reload(config(tmp_path))
        (tmp_path / "2").mkdir()
        await until(lambda: states(manager).get(2) == "LOADING")
        assert ask(manager)[0] == 1
        shutil.copytree(whole, tmp_path / "2", dirs_exist_ok=True)
        await until(lambda: ask(manager) == (2, 14.5))

    play(scenario, LoadOptions(poll_seconds=0.01, load_retries=10_000, retry_seconds=0.01))


def test_a_version_that_failed_is_tried_anew_when_it_is_asked_for_anew(tmp_path: Path) -> None:
    save_line(tmp_path, 1)
    broken = save_line(tmp_path, 2)
    (broken / "saved_model.pb").rename(tmp_path / "kept")
    only_1 = config(tmp_path, "model_version_policy { specific { versions: 1 } }")
    both = config(tmp_path, "model_version_policy { specific { versions: [1, 2] } }")

    async def scenario(manager: ModelManager) -> None:
        await manager.reload(both)
        await until(lambda: states(manager) == {2: "END", 1: "AVAILABLE"})
        await manager.reload(only_1)
        (tmp_path / "kept").rename(broken / "saved_model.pb")
        await manager.reload(both)
        await until(lambda: states(manager) == {2: "AVAILABLE", 1: "AVAILABLE"})

    play(scenario)


def test_a_warm_up_that_breaks_otherwise_fails_the_load(tmp_path: Path) -> None:
    save_line(tmp_path, 1)

    def broken(servable: Servable, version: Path) -> None:
        raise KeyError(version.name)

    async def scenario() -> None:
        manager = ModelManager(QUICK, broken)
        with pytest.raises(ServingError, match="cannot be warmed up: KeyError: '1'"):
            await asyncio.wait_for(manager.reload(config(tmp_path)), 60)
        await manager.close()

    asyncio.run(scenario())


def test_a_version_is_tried_as_often_as_asked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save_line(tmp_path, 1)

    async def scenario(manager: ModelManager) -> None:
        await manager.reload(config(tmp_path))
        (tmp_path / "2").mkdir()
        await until(lambda: states(manager).get(2) == "END")

    play(scenario, LoadOptions(poll_seconds=0.01, load_retries=2, retry_seconds=0.01))
    assert sum("version: 2} failed" in record.getMessage() for record in caplog.records) == 3


def test_a_version_that_is_being_retried_shows_the_last_error(tmp_path: Path) -> None:
    save_line(tmp_path, 1)

    async def scenario(manager: ModelManager) -> None:
        await manager.reload(config(tmp_path))
        (tmp_path / "2").mkdir()
        spec = model_pb2.ModelSpec(name="line", **exactly(2))
        await until(lambda: 2 in states(manager) and manager.status(spec)[0].error is not None)
        (retried,) = manager.status(spec)
        assert retried.state == State.LOADING
        assert retried.error is not None
        assert str(tmp_path / "2") in retried.error.message

    play(scenario, LoadOptions(poll_seconds=0.01, load_retries=1, retry_seconds=3600))


def test_a_base_folder_that_is_gone_takes_nothing_down_and_an_empty_one_everything(tmp_path: Path) -> None:
    base = tmp_path / "base"
    save_line(base, 1)

    async def scenario(manager: ModelManager) -> None:
        await manager.reload(config(base))
        base.rename(tmp_path / "away")
        await asyncio.sleep(0.05)
        assert ask(manager)[0] == 1
        base.mkdir()
        await until(lambda: states(manager) == {1: "END"})
        assert refused(manager) == (grpc.StatusCode.NOT_FOUND, "Servable not found for request: Latest(line)")
        base.rmdir()
        (tmp_path / "away").rename(base)
        await until(lambda: states(manager) == {1: "AVAILABLE"})
        assert ask(manager)[0] == 1

    play(scenario)


def test_policies_follow_the_config(tmp_path: Path) -> None:
    for version in (1, 2, 3):
        save_line(tmp_path, version, slope=version)

    async def scenario(manager: ModelManager) -> None:
        await manager.reload(config(tmp_path, "model_version_policy { specific { versions: [1, 3] } }"))
        await until(lambda: states(manager) == {3: "AVAILABLE", 1: "AVAILABLE"})
        assert ask(manager) == (3, 6.5)
        assert ask(manager, **exactly(1)) == (1, 2.5)
        await manager.reload(config(tmp_path, "model_version_policy { all {} }"))
        await until(lambda: states(manager) == {3: "AVAILABLE", 2: "AVAILABLE", 1: "AVAILABLE"})
        await manager.reload(config(tmp_path, "model_version_policy { specific { versions: 2 } }"))
        await until(lambda: states(manager) == {3: "END", 2: "AVAILABLE", 1: "END"})
        # A version that ended is loaded again when it is asked for again.
        await manager.reload(config(tmp_path, "model_version_policy { latest { num_versions: 2 } }"))
        await until(lambda: states(manager) == {3: "AVAILABLE", 2: "AVAILABLE", 1: "END"})

    play(scenario)


BOTH = "model_version_policy { all {} }"


def test_labels(tmp_path: Path) -> None:
    save_line(tmp_path, 1, slope=1)
    save_line(tmp_path, 2, slope=2)
    stable = 'version_labels { key: "stable" value: 1 }'
    canary = 'version_labels { key: "canary" value: 2 }'

    async def scenario(manager: ModelManager) -> None:
        spec = {"version_label": "stable"}
        assert refused(manager, **spec) == (grpc.StatusCode.UNAVAILABLE, "Model labels does not init yet.")
        await manager.reload(config(tmp_path, BOTH))
        await until(lambda: states(manager) == {2: "AVAILABLE", 1: "AVAILABLE"})
        unknown = (grpc.StatusCode.INVALID_ARGUMENT, "Unrecognized servable version label: stable")
        assert refused(manager, **spec) == unknown
        await manager.reload(config(tmp_path, BOTH + stable + canary))
        assert ask(manager, **spec) == (1, 2.5)
        assert ask(manager, version_label="canary") == (2, 4.5)
        with pytest.raises(ServingError, match="label next to version 9 of model line, which is not curr") as error:
            await manager.reload(config(tmp_path, BOTH + 'version_labels { key: "next" value: 9 }'))
        assert error.value.code == grpc.StatusCode.FAILED_PRECONDITION
        assert ask(manager, **spec) == (1, 2.5)  # the labels are as they were
        await manager.reload(config(tmp_path, BOTH + 'version_labels { key: "stable" value: 2 }'))
        assert ask(manager, **spec) == (2, 4.5)
        assert refused(manager, version_label="canary")[1] == "Unrecognized servable version label: canary"

    play(scenario)


def test_a_server_does_not_start_on_labels_unless_that_is_allowed(tmp_path: Path) -> None:
    save_line(tmp_path, 1)
    labelled = config(tmp_path, 'version_labels { key: "stable" value: 1 }')

    async def refused_at_start(manager: ModelManager) -> None:
        with pytest.raises(ServingError, match="label stable to version 1 of model line, which is not currently"):
            await manager.reload(labelled)
        assert refused(manager)[0] == grpc.StatusCode.NOT_FOUND  # nothing was loaded

    async def allowed(manager: ModelManager) -> None:
        await manager.reload(labelled)
        assert ask(manager, version_label="stable")[0] == 1

    play(refused_at_start)
    play(allowed, LoadOptions(poll_seconds=0.01, labels_may_wait=True))


def test_a_new_label_may_wait_for_its_version_when_that_is_allowed(tmp_path: Path) -> None:
    save_line(tmp_path, 1)

    async def scenario(manager: ModelManager) -> None:
        await manager.reload(config(tmp_path, BOTH + 'version_labels { key: "next" value: 2 }'))
        assert refused(manager, version_label="next")[1] == "Servable not found for request: Specific(line, 2)"
        # A label that stays as it is holds nothing up.
        both = 'version_labels { key: "next" value: 2 } version_labels { key: "stable" value: 1 }'
        await manager.reload(config(tmp_path, BOTH + both))
        assert ask(manager, version_label="stable")[0] == 1
        save_line(tmp_path, 2)
        await until(lambda: 2 in states(manager) and states(manager)[2] == "AVAILABLE")
        assert ask(manager, version_label="next")[0] == 2
        with pytest.raises(ServingError, match="not currently available"):  # an existing one never does
            await manager.reload(config(tmp_path, BOTH + 'version_labels { key: "next" value: 3 }'))

    play(scenario, LoadOptions(poll_seconds=0.01, labels_may_wait=True))


def test_a_reload_replaces_models_and_waits_for_the_new_ones(tmp_path: Path) -> None:
    save_line(tmp_path / "a", 1)
    save_line(tmp_path / "b", 8)

    async def scenario(manager: ModelManager) -> None:
        await manager.reload(config(tmp_path / "a"))
        await manager.reload(config(tmp_path / "b", name="other"))
        assert states(manager, "other") == {8: "AVAILABLE"}
        with contextlib.suppress(ServingError):  # not known any more, once it is unloaded
            await until(lambda: states(manager) == {1: "END"})
        assert refused(manager)[0] == grpc.StatusCode.NOT_FOUND
        await manager.reload(config(tmp_path / "a"))
        assert ask(manager) == (1, 6.5)

    play(scenario)


def test_a_new_model_that_cannot_be_loaded_fails_the_reload(tmp_path: Path) -> None:
    save_line(tmp_path / "a", 1)
    (tmp_path / "b" / "1").mkdir(parents=True)

    async def scenario(manager: ModelManager) -> None:
        await manager.reload(config(tmp_path / "a"))
        both = config(tmp_path / "a")
        both.model_config_list.config.extend(config(tmp_path / "b", name="broken").model_config_list.config)
        with pytest.raises(ServingError, match=r"1 servable\(s\) did not become available: \{broken: ") as error:
            await manager.reload(both)
        assert error.value.code == grpc.StatusCode.UNKNOWN
        assert ask(manager)[0] == 1

    play(scenario)


def test_a_reload_waits_for_a_version_that_still_loads_when_another_failed(tmp_path: Path) -> None:
    save_line(tmp_path, 1)
    (tmp_path / "2").mkdir()
    loading, may_answer = threading.Event(), threading.Event()

    def held_up(servable: Servable, path: Path) -> None:
        loading.set()
        assert may_answer.wait(30)

    async def scenario(manager: ModelManager) -> None:
        both = config(tmp_path, "model_version_policy { specific { versions: [1, 2] } }")
        reload = asyncio.create_task(manager.reload(both))
        await asyncio.to_thread(loading.wait, 30)
        await until(lambda: states(manager) == {2: "END", 1: "LOADING"})
        done, _ = await asyncio.wait({reload}, timeout=20 * QUICK.poll_seconds)  # it looks twenty times
        assert not done
        may_answer.set()
        await reload
        assert ask(manager)[0] == 1

    play(scenario, warm_up=held_up)


def test_a_config_of_nothing_is_refused_and_one_without_models_is_not(tmp_path: Path) -> None:
    save_line(tmp_path, 1)
    empty = model_server_config_pb2.ModelServerConfig()

    async def scenario(manager: ModelManager) -> None:
        await manager.reload(empty)  # at the start there is nothing to lose
        await manager.reload(config(tmp_path))
        with pytest.raises(ServingError, match="Cannot transition to requested config: it is empty") as error:
            await manager.reload(empty)
        assert error.value.code == grpc.StatusCode.FAILED_PRECONDITION
        assert ask(manager)[0] == 1
        empty.model_config_list.SetInParent()
        await manager.reload(empty)
        await until(lambda: not manager.knows("line"))

    play(scenario)


def test_a_model_that_is_waited_for_holds_no_other_config_up(tmp_path: Path) -> None:
    save_line(tmp_path / "right", 1)

    async def scenario(manager: ModelManager) -> None:
        waiting = asyncio.create_task(manager.reload(config(tmp_path / "rihgt")))
        await until(lambda: manager.knows("line"))
        await manager.reload(config(tmp_path / "right"))
        await waiting
        await until(lambda: ask_or_none(manager) == (1, 6.5))

    play(scenario)


def ask_or_none(manager: ModelManager) -> tuple[int, float] | None:
    with contextlib.suppress(ServingError):
        return ask(manager)
    return None


def test_a_refused_config_changes_nothing(tmp_path: Path) -> None:
    save_line(tmp_path, 1)

    async def scenario(manager: ModelManager) -> None:
        await manager.reload(config(tmp_path))
        with pytest.raises(ServingError, match="to have an absolute path or URI"):
            await manager.reload(config(Path("models")))
        assert ask(manager) == (1, 6.5)

    play(scenario)


def test_a_model_without_versions_is_waited_for(tmp_path: Path) -> None:
    async def scenario(manager: ModelManager) -> None:
        loading = asyncio.create_task(manager.reload(config(tmp_path)))
        await asyncio.sleep(0.05)
        assert not loading.done()
        assert refused(manager) == (grpc.StatusCode.NOT_FOUND, "Servable not found for request: Latest(line)")
        save_line(tmp_path, 1)
        await loading
        assert ask(manager)[0] == 1

    play(scenario)


def test_without_polling_later_versions_are_not_seen(tmp_path: Path) -> None:
    save_line(tmp_path, 1)

    async def scenario(manager: ModelManager) -> None:
        await manager.reload(config(tmp_path))
        save_line(tmp_path, 2)
        await asyncio.sleep(0.05)
        assert states(manager) == {1: "AVAILABLE"}

    play(scenario, LoadOptions(poll_seconds=0))


@pytest.mark.parametrize(
    ("spec", "code", "said"),
    [
        ({}, grpc.StatusCode.INVALID_ARGUMENT, "ModelSpec has no name specified."),
        ({"name": "other"}, grpc.StatusCode.NOT_FOUND, "Could not find any versions of model other"),
        ({"name": "line", **exactly(7)}, grpc.StatusCode.NOT_FOUND, "Could not find version 7 of model line"),
    ],
)
def test_status_of_what_is_not_there(tmp_path: Path, spec: dict[str, object], code: grpc.StatusCode, said: str) -> None:
    save_line(tmp_path, 1)

    async def scenario(manager: ModelManager) -> None:
        await manager.reload(config(tmp_path))
        with pytest.raises(ServingError) as error:
            manager.status(model_pb2.ModelSpec(**spec))
        assert (error.value.code, error.value.message) == (code, said)

    play(scenario)
