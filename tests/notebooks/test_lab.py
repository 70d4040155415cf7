"""JupyterLab as `make notebooks` starts it, and a notebook run in it as a new user would: Restart & Run All."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, TimeoutError

from tests.browser import Tab
from tests.runs.project import Finished, Project, environment
from tests.serving.running_server import PATIENCE, free_ports, wait_for

pytestmark = pytest.mark.pipeline

NOTEBOOK = "04_inspect_run.ipynb"
TOKEN = "for-this-test"
RUN = 300_000  # ms
PROMPTS = "[...document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputPrompt')].map(prompt => prompt.innerText)"
ALL_RAN = f"() => {{ const all = {PROMPTS}; return all.length > 1 && all.every(one => /\\[\\d+\\]/.test(one)); }}"
SPOKEN = ", ".join(f".jp-Notebook [data-mime-type='application/vnd.jupyter.{kind}']" for kind in ("error", "stderr"))


@contextlib.contextmanager
def lab(project: Project, folder: Path) -> Iterator[str]:
    """The Makefile's own command, in a copy of the project: JupyterLab saves what it runs."""
    (port,) = free_ports(1)
    options = f"--no-browser --allow-root --port={port} --IdentityProvider.token={TOKEN}"
    told = ["make", "--dry-run", "notebooks", f"VAR={project.var}", f"JUPYTER={options}"]
    said = subprocess.run(told, cwd=project.root, capture_output=True, text=True, check=True).stdout
    command = said[said.index("VAR=") :].replace(".venv/bin/", f"{shlex.quote(sys.prefix)}/bin/")
    own = {name: str(folder / name) for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR")}
    log = folder / "lab.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=project.root,
            env=environment(**own, JUPYTER_CONFIG_DIR=str(folder / "config")),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        origin = f"http://127.0.0.1:{port}"
        wait_for(lambda: _answers(f"{origin}/api"), process, log)
        yield origin
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # the server, and with it its kernels
        process.wait(PATIENCE)


def test_a_new_user_runs_a_notebook(taxi: Project, cold_taxi: Finished, tmp_path: Path, tab: Tab) -> None:
    page = tab.page
    with lab(taxi, tmp_path) as origin:
        page.goto(f"{origin}/lab/tree/{NOTEBOOK}?token={TOKEN}")
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=RUN)
        assert page.locator(".jp-Dialog, .jp-Notification").count() == 0  # nobody is asked about news
        _restart_and_run_all(page)
        assert page.locator(SPOKEN).all_inner_texts() == []
        text = page.locator(".jp-Notebook").inner_text()
        pictures = page.locator(".jp-Notebook .jp-OutputArea-output img")
        sizes = pictures.evaluate_all("all => all.map(one => [one.naturalWidth, one.clientWidth])")
        own = {origin, origin.replace("http:", "ws:")}
        beyond = [url for url in tab.requests_beyond(origin) if not any(url.startswith(f"{one}/") for one in own)]
    assert f"version {cold_taxi.summary['pushed']['version']}" in text
    assert "0 differences in 4,993 rows" in text
    assert len(sizes) == 5
    assert all(own >= 2 * shown > 600 for own, shown in sizes)  # sharp on a fine screen
    assert beyond == []
    assert tab.page_errors == []


def _restart_and_run_all(page: Page) -> None:
    """Once more where no end comes: JupyterLab now and then loses cells while the kernel restarts (its issue 13361)."""
    for attempts_left in (2, 1, 0):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Restart Kernel and Run All Cells").click()
        page.get_by_role("button", name="Confirm Kernel Restart").click()
        try:
            page.wait_for_function(ALL_RAN, timeout=RUN / 3)
            return
        except TimeoutError:
            if not attempts_left:
                raise


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
