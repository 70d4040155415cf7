import subprocess
import sys
from pathlib import Path

import pytest

from environment import browser


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts an executable of that name on a PATH that has nothing else, and returns its path."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)

    def put(name: str) -> str:
        (tmp_path / name).touch(mode=0o755)
        return str(tmp_path / name)

    return put


@pytest.mark.parametrize("name", browser.NAMES)
def test_each_name_is_found(install, name):
    path = install(name)
    assert browser.find() == path


def test_chromium_goes_before_chrome(install):
    install("google-chrome")
    path = install("chromium")
    assert browser.find() == path


def test_the_one_that_is_named_counts_and_no_other(install, monkeypatch):
    install("chromium")
    path = install("my-browser")
    for named in ("my-browser", path):
        monkeypatch.setenv("CHROMIUM", named)
        assert browser.find() == path
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    assert browser.find() is None


def test_the_command_prints_it_or_says_what_was_expected(install):
    def run() -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "environment.browser"], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout, done.stderr

    expected = "chromium, chromium-browser, google-chrome, google-chrome-stable or $CHROMIUM on PATH"
    assert run() == (2, "", f"none: expected {expected}\n")
    path = install("chromium")
    assert run() == (0, f"{path}\n", "")
