"""The server as a process: how it starts, refuses to start, is killed, and swaps versions under load."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import httpx
import numpy as np
import pytest
import tensorflow as tf

from tests.serving.running_server import PATIENCE, ROOT, RunningServer, running, start
from tests.serving.server.saved_models import save_line

pytestmark = pytest.mark.pipeline


def config(base: Path, labels: str = "") -> str:
    entry = f'name: "line" base_path: "{base}" model_platform: "tensorflow" model_version_policy {{ all {{}} }}'
    return f"model_config_list {{ config {{ {entry} {labels} }} }}"


def ask(server: RunningServer) -> tuple[int, float]:
    """Version that answers x = 1, and its answer."""
    request = server.predict(name="line")
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.float32(1)))
    response = server.prediction.Predict(request, timeout=PATIENCE)
    return response.model_spec.version.value, response.outputs["y"].float_val[0]


def ended(*flags: str) -> tuple[int, str]:
    """Exit status and output of a server that ends by itself."""
    done = subprocess.run(
        [sys.executable, "-m", "serving", "server", *flags],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_help_names_the_flags_of_tensorflow_serving() -> None:
    status, text = ended("--help")
    assert status == 0
    for flag in (
        *("--port", "--rest_api_port", "--model_name", "--model_base_path", "--model_config_file", "--enable_batching"),
        *("--model_config_file_poll_wait_seconds", "--file_system_poll_wait_seconds", "--batching_parameters_file"),
        "--monitoring_config_file",
    ):
        assert f"\n  {flag} " in text


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "expected one of --task, --model_base_path and --model_config_file, received several or none"),
        (["--model_base_path=models"], "expected an absolute path, received models"),
        (["--model_base_path=/m", "--port=70000"], "expected 0 to 65535, received 70000"),
        (["--model_base_path=/m", "--enable_batching=perhaps"], "expected true or false, received perhaps"),
        (["--model_base_path=/m", "--batching_parameters_file=b"], "expected --enable_batching with it"),
        (["--model_base_path=/m", "--max_num_load_retries=-1"], "expected a whole number, 0 or more, received -1"),
        (["--model_base_path=/m", "--file_system_poll_wait_seconds=nan"], "expected seconds, 0 or more, received nan"),
        (["--model_base_path=/m", "--rest_api_timeout_in_ms=0"], "a whole number of milliseconds above 0, received 0"),
        (["--model_base_path=/m", "--port=0", "--rest_api_port=0"], "at least one that is not 0"),
        (["--model_base_path=/m", "--model_bas=/m"], "unrecognized arguments"),
    ],
)
def test_bad_flags(flags: list[str], said: str) -> None:
    status, text = ended(*flags)
    assert status == 2
    assert said in text


def test_an_unparsable_config_file_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "models.config").write_text("model_config_list {")
    status, text = ended(f"--model_config_file={tmp_path / 'models.config'}")
    assert status == 2
    assert "Failed to start server. Error: Error parsing text-format tensorflow.serving.ModelServerConfig" in text


def test_a_model_that_cannot_be_loaded_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    status, text = ended(f"--model_base_path={tmp_path}", "--max_num_load_retries=0", "--rest_api_port=0")
    assert status == 2
    assert "Failed to start server. Error: 1 servable(s) did not become available: {default: " in text


def test_a_taken_port_ends_the_start(tmp_path: Path) -> None:
    save_line(tmp_path / "models", 1)
    flags = [f"--model_base_path={tmp_path / 'models'}", "--model_name=line"]
    with running(tmp_path, *flags) as server:
        for protocol, flag, port, other in (
            ("gRPC", "--port", server.port, "--rest_api_port"),
            ("REST", "--rest_api_port", server.rest_port, "--port"),
        ):
            status, text = ended(*flags, f"{flag}={port}", f"{other}=0")
            assert status == 2
            assert text.splitlines()[-1] == (
                f"Failed to start server. Error: cannot listen on 127.0.0.1 port {port}: expected a free port for "
                f"{protocol}, received one that another process uses; stop that process, such as a model server in "
                f"another terminal, or set another port with {flag}."
            )
            assert "GRPC_VERBOSITY" not in text
            assert "Loading" not in text
        assert ask(server) == (1, 3.5)


def test_swaps_under_load_lose_no_request(tmp_path: Path) -> None:
    base = tmp_path / "models"
    save_line(base, 1, slope=1)
    with running(
        tmp_path, f"--model_base_path={base}", "--model_name=line", "--file_system_poll_wait_seconds=0.1"
    ) as server:
        stop = threading.Event()
        answers: list[list[tuple[int, float]]] = [[], [], []]
        failures: list[grpc.RpcError] = []

        def load(seen: list[tuple[int, float]]) -> None:
            while not stop.is_set():
                try:
                    seen.append(ask(server))
                except grpc.RpcError as error:
                    failures.append(error)

        callers = [threading.Thread(target=load, args=[seen]) for seen in answers]
        for caller in callers:
            caller.start()
        for version in range(2, 7):
            save_line(tmp_path / "made", version, slope=version).rename(base / str(version))
            server.wait_for(lambda version=version: all(seen and seen[-1][0] == version for seen in answers))
        stop.set()
        for caller in callers:
            caller.join()
        assert failures == []
        for seen in answers:
            assert {version for version, _ in seen} == {1, 2, 3, 4, 5, 6}
            assert [version for version, _ in seen] == sorted(version for version, _ in seen)
            assert all(value == version + 0.5 for version, value in seen)  # of one version, never of two


def test_requests_that_meet_in_a_batch_get_their_own_answers(tmp_path: Path) -> None:
    save_line(tmp_path / "models", 1)
    (tmp_path / "batching.config").write_text("max_batch_size { value: 8 } batch_timeout_micros { value: 2000 }")
    flags = [f"--model_base_path={tmp_path / 'models'}", "--model_name=line", "--enable_batching"]
    with running(tmp_path, *flags, f"--batching_parameters_file={tmp_path / 'batching.config'}") as server:

        def answer(x: int) -> list[float]:
            request = server.predict(name="line")
            request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.array([x, -x], np.float32)))
            return list(server.prediction.Predict(request, timeout=PATIENCE).outputs["y"].float_val)

        with ThreadPoolExecutor(16) as callers:
            answers = list(callers.map(answer, range(400)))
        assert answers == [[3 * x + 0.5, -3 * x + 0.5] for x in range(400)]
        request = server.predict(name="line")
        request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.zeros(9, np.float32)))
        with pytest.raises(grpc.RpcError, match="Task size 9 is larger than maximum input batch size 8"):
            server.prediction.Predict(request, timeout=PATIENCE)


def test_killed_it_starts_again_as_if_nothing_had_been(tmp_path: Path) -> None:
    save_line(tmp_path / "models", 1)
    flags = [f"--model_base_path={tmp_path / 'models'}", "--model_name=line"]
    killed = start(tmp_path, *flags)
    noticed = threading.Event()
    try:
        killed.wait_for_line("Ready:")
        assert ask(killed) == (1, 3.5)
        ready = grpc.ChannelConnectivity.READY
        killed.channel.subscribe(lambda state: None if state is ready else noticed.set())
    finally:
        killed.process.send_signal(signal.SIGKILL)
    assert killed.process.wait(PATIENCE) == -signal.SIGKILL
    assert noticed.wait(PATIENCE)  # Until then the channel calls itself ready.
    same_ports = [f"--port={killed.port}", f"--rest_api_port={killed.rest_port}"]
    with running(tmp_path, *flags, *same_ports):
        # The client's channel, opened before the kill, finds its way by itself.
        grpc.channel_ready_future(killed.channel).result(timeout=PATIENCE)
        assert ask(killed) == (1, 3.5)
    killed.channel.close()


def test_the_config_file_is_read_again(tmp_path: Path) -> None:
    base, file = tmp_path / "models", tmp_path / "models.config"
    save_line(base, 1, slope=1)
    save_line(base, 2, slope=2)
    file.write_text(config(base))
    flags = [f"--model_config_file={file}", "--model_config_file_poll_wait_seconds=0.05"]
    with running(tmp_path, *flags) as server:
        server.wait_for(lambda: server.states("line") == {1: "AVAILABLE", 2: "AVAILABLE"})
        replace(file, "model_config_list { config {")
        server.wait_for_line("is refused, and the config before stays in force: Error parsing text-format")
        assert ask(server) == (2, 2.5)
        replace(file, config(base).replace("all {}", "specific { versions: 1 }"))
        server.wait_for(lambda: server.states("line") == {1: "AVAILABLE", 2: "END"})
        assert ask(server) == (1, 1.5)


def test_an_address_of_ipv6(tmp_path: Path) -> None:
    save_line(tmp_path / "models", 1)
    flags = [f"--model_base_path={tmp_path / 'models'}", "--model_name=line", "--host=::1"]
    with running(tmp_path, *flags) as server:
        assert httpx.get(f"http://[::1]:{server.rest_port}/v1/models/line").status_code == 200
        with grpc.insecure_channel(f"[::1]:{server.port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
            grpc.channel_ready_future(channel).result(timeout=PATIENCE)


def test_it_stops_before_a_model_is_there(tmp_path: Path) -> None:
    server = start(tmp_path, f"--model_base_path={tmp_path}")
    try:
        server.wait_for_line("Waiting until default can answer.")
        server.process.terminate()
        assert server.process.wait(PATIENCE) == 0
    finally:
        server.process.kill()


def replace(file: Path, text: str) -> None:
    """Writes a file as an editor does: nobody reads half of it."""
    beside = file.with_suffix(".new")
    beside.write_text(text)
    os.replace(beside, file)
