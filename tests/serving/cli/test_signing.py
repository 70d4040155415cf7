"""`keygen` and `verify`, from the key to the folder that TensorFlow Serving reads."""

import dataclasses
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from serving.cli.app import app
from serving.cli.usage import execute
from serving.signing.signers import SigningKey
from serving.signing.version_signer import VersionSigner
from tests.serving.signing.signed_models import Key, write

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def made(tmp_path: Path) -> VersionSigner:
    assert execute(app, ["keygen", str(tmp_path / "private.pem"), str(tmp_path / "keys" / "public.pem")]) == 0
    return VersionSigner(model="taxi", run_id="", signer=SigningKey(file=tmp_path / "private.pem").open())


def arguments(folder: Path, *more: str) -> list[str]:
    folders = ("--from", str(folder / "pushed"), "--to", str(folder / "served"), "--keys", str(folder / "keys"))
    return ["verify", *folders, *more]


def test_a_key_is_told_by_its_id_and_never_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    private = tmp_path / "private.pem"
    assert execute(app, ["keygen", str(private), str(tmp_path / "public.pem")]) == 0
    said = capsys.readouterr().out
    assert f"key      {SigningKey(file=private).open().key.id}\n" in said
    assert "BEGIN" not in said
    assert execute(app, ["keygen", str(private), str(tmp_path / "other.pem")]) == 2
    assert "exists already" in capsys.readouterr().err


def sign(signer: VersionSigner, version: Path, number: int) -> None:
    signer.sign(write(version), number, into=version)


def test_once(tmp_path: Path, made: VersionSigner, capsys: pytest.CaptureFixture[str]) -> None:
    sign(made, tmp_path / "pushed" / "taxi" / "1", 1)
    assert execute(app, arguments(tmp_path)) == 0
    assert (tmp_path / "served" / "taxi" / "1" / "saved_model.pb").is_file()
    write(tmp_path / "pushed" / "taxi" / "2")
    assert execute(app, arguments(tmp_path)) == 1
    assert [path.name for path in (tmp_path / "served" / "taxi").iterdir()] == ["1"]
    (tmp_path / "keys" / "public.pem").unlink()
    assert execute(app, arguments(tmp_path)) == 2
    assert "python -m serving verify: error: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--metrics-port", "1"), "--metrics-port: expected --every with it"),
        (("--every", "0"), "--every: expected seconds from 0.1"),
    ],
)
def test_bad_usage(tmp_path: Path, more: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(app, arguments(tmp_path, *more)) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_beside_a_server(tmp_path: Path, made: VersionSigner) -> None:
    """As compose and Kubernetes start it: it follows pushes, tells Prometheus of refusals, and ends when told to."""
    sign(made, tmp_path / "pushed" / "taxi" / "1", 1)
    # What cannot be copied keeps no other model from being served, neither at the start nor later.
    sign(dataclasses.replace(made, model="churn"), tmp_path / "pushed" / "churn" / "1", 1)
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "churn").write_text("a file")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "serving", *arguments(tmp_path, "--every", "0.1", "--metrics-port", str(port))]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            served = tmp_path / "served" / "taxi"
            _wait_for(process, served / "1")
            for number, signer in ((2, Key().signs()), (3, made)):
                beside = tmp_path / "pushed" / "taxi" / f"{number}.tmp"
                sign(signer, beside, number)
                beside.rename(tmp_path / "pushed" / "taxi" / str(number))
            _wait_for(process, served / "3")
            text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
            assert 'model_versions_refused_total{model_name="taxi",reason="unknown_key"} 1.0' in text
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        finally:
            process.kill()
        assert process.stderr is not None
        log = process.stderr.read()
    assert sorted(path.name for path in served.iterdir()) == ["1", "3"]
    assert f"Version 3 of taxi is signed by key {made.key_id}, and copied." in log
    assert log.count("version 2 of taxi must not be loaded") == 1
    assert 1 <= log.count(" E churn: ") <= 2, "told, but not at each look"


def _wait_for(process: "subprocess.Popen[str]", path: Path) -> None:
    end = time.monotonic() + 30
    while not path.exists():
        assert process.poll() is None
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.05)
