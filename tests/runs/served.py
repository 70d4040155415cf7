"""The servers of `make serve` and `make gateway` on free ports, and a page's curl lines sent to them."""

import contextlib
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.runs.project import SOURCE
from tests.serving.running_server import PATIENCE, RunningServer, free_ports, wait_for

_REST, _GATEWAY = "localhost:8501", "localhost:8080"


@contextlib.contextmanager
def served(root: Path, folder: Path) -> Iterator[tuple[RunningServer, str]]:
    """Serves what a project's runs pushed; yields the model server and the gateway's address."""
    port, rest_port, gateway_port = free_ports(3)
    ports = f"SERVE=--port={port} --rest_api_port={rest_port}"
    with _make(folder, "serve", f"VAR={root / 'var'}", ports) as (process, log):
        server = RunningServer(process, port, rest_port, log)
        server.wait_for_line("Ready:")
        options = f"GATEWAY=--port={gateway_port} --model-server={server.url}"
        with _make(folder, "gateway", f"VAR={root / 'var'}", options) as (gateway, gateway_log):
            wait_for(lambda: "Application startup complete" in gateway_log.read_text(), gateway, gateway_log)
            yield server, f"127.0.0.1:{gateway_port}"
        server.channel.close()


@contextlib.contextmanager
def _make(folder: Path, target: str, *variables: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A make target that runs until the block ends, and its log."""
    log = folder / f"{target}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["make", target, *variables], cwd=SOURCE, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield process, log
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # make and what it started
        process.wait(PATIENCE)


def curl_lines(page: str) -> list[tuple[str, Any]]:
    """The page's curl commands, each with the JSON that the page shows as its answer."""
    shown = re.findall(r"```\n(curl .*?)```\n```json\n(.*?)```", page, re.DOTALL)
    return [(command, json.loads(answer)) for command, answer in shown]


def pasted(command: str, server: RunningServer, gateway: str) -> Any:
    """What a command of the page answers when it is sent to these servers."""
    here = command.replace(_REST, server.url.removeprefix("http://")).replace(_GATEWAY, gateway)
    assert here != command, f"neither {_REST} nor {_GATEWAY} is in: {command}"
    return json.loads(subprocess.run(["bash", "-c", here], capture_output=True, check=True, timeout=PATIENCE).stdout)
