"""The servers of `make serve` and `make gateway` on free ports, and the README's curl lines sent to them."""

import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.serving.running_server import PATIENCE, RunningServer, free_ports, running, wait_for

_REST, _GATEWAY = "localhost:8501", "localhost:8080"


@contextlib.contextmanager
def served(root: Path, folder: Path) -> Iterator[tuple[RunningServer, str]]:
    """Serves what a project's runs pushed; yields the model server and the gateway's address."""
    with running(folder, f"--model_base_path={root / 'var' / 'serving' / 'taxi'}", "--model_name=taxi") as server:
        (port,) = free_ports(1)
        log = folder / "gateway.log"
        with log.open("wb") as output:
            gateway = subprocess.Popen(
                [sys.executable, "-m", "serving.gateway", f"--port={port}", f"--model-server={server.url}"],
                cwd=root, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            wait_for(lambda: "Application startup complete" in log.read_text(), gateway, log)
            yield server, f"127.0.0.1:{port}"
        finally:
            gateway.terminate()
            gateway.wait(PATIENCE)


def curl_lines(page: str) -> list[tuple[str, Any]]:
    """The page's curl commands, each with the JSON that the page shows as its answer."""
    shown = re.findall(r"```\n(curl .*?)```\n```json\n(.*?)```", page, re.DOTALL)
    return [(command, json.loads(answer)) for command, answer in shown]


def pasted(command: str, server: RunningServer, gateway: str) -> Any:
    """What a command of the page answers when it is sent to these servers."""
    here = command.replace(_REST, server.url.removeprefix("http://")).replace(_GATEWAY, gateway)
    assert here != command, f"neither {_REST} nor {_GATEWAY} is in: {command}"
    return json.loads(subprocess.run(["bash", "-c", here], capture_output=True, check=True, timeout=PATIENCE).stdout)
