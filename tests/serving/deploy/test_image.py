"""The gateway's image: what goes into it is enough, and no more than is needed."""

import ast
import fnmatch
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from environment import uv
from tests.serving.deploy import files
from tests.serving.deploy.files import DEPLOY, ROOT

DOCKERFILE = (DEPLOY / "gateway.Dockerfile").read_text()
IGNORED = (DEPLOY / "gateway.Dockerfile.dockerignore").read_text().split()


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.+)$", DOCKERFILE, flags=re.MULTILINE)


def is_sent(path: str, ignored: list[str] = IGNORED) -> bool:
    """Whether a file goes to the builder: the last line that matches it, or a folder above it, decides."""
    sent = True
    for line in ignored:
        pattern = line.removeprefix("!").removeprefix("**/")
        parts = Path(path).parts
        places = {"/".join(parts[: end + 1]) for end in range(len(parts))}
        names = set(parts) if line.startswith("**/") else places
        if any(fnmatch.fnmatchcase(each, pattern) for each in names):
            sent = line.startswith("!")
    return sent


def test_what_is_sent_to_the_builder() -> None:
    needed = ["pyproject.toml", "uv.lock", "serving/__main__.py", "serving/gateway/taxi.toml",
              "serving/rollout/command.py", "serving/contract/contract.py", "data/schema/taxi.pbtxt"]  # fmt: skip
    kept_out = [".git/config", ".venv/bin/python", "var/serving/taxi/1/saved_model.pb", "data/taxi.py",
                "serving/server/__init__.py", "serving/deploy/compose.yaml", "pipelines/config.py",
                "serving/gateway/__pycache__/app.cpython-313.pyc"]  # fmt: skip
    assert [path for path in needed if not is_sent(path)] == []
    assert [path for path in kept_out if is_sent(path)] == []


@pytest.mark.slow
def test_what_is_copied_is_enough_to_run(tmp_path: Path) -> None:
    """In a folder with what the image gets and nothing else, its commands start, and every module can be imported."""
    for line in instructions("COPY"):
        source, target = line.split()[-2:]
        if "--from" in line or target == "./":
            continue
        assert source == target
        for path in filter(Path.is_file, (ROOT / source).rglob("*")):
            name = path.relative_to(ROOT)
            if is_sent(str(name)):
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, tmp_path / name)
    (command,) = instructions("ENTRYPOINT")
    assert command == '["python", "-m", "serving", "gateway"]'
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for command in ("gateway", "rollout", "verify"):
        done = subprocess.run(
            [sys.executable, "-m", "serving", command, "--help"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert f"python -m serving {command}" in done.stdout
    # What --help does not import: `verify` of compose and Kubernetes, traces, the client of Redis.
    load = "import importlib, pkgutil, serving; walk = pkgutil.walk_packages(serving.__path__, 'serving.'); "
    load += "print(*[importlib.import_module(one.name).__name__ for one in walk if not one.name.endswith('__main__')])"
    done = subprocess.run(
        [sys.executable, "-c", load], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {"serving.signing.copying", "serving.tracing.otlp", "serving.gateway.shared_rate_limit"} < {
        *done.stdout.split()
    }
    # What the gateway reads when it starts, from where its settings say that it lies.
    read = "from pathlib import Path; from serving import contract; from serving.gateway import settings; "
    read += "print(contract.read(settings.load(Path('serving/gateway/taxi.toml')).contract).features[0].name)"
    done = subprocess.run(
        [sys.executable, "-c", read], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "trip_start_timestamp\n"), done.stderr


def test_packages_are_the_locked_ones() -> None:
    assert f"pip install --no-cache-dir uv=={uv.VERSION}" in DOCKERFILE
    (sync,) = [line for line in instructions("RUN") if "uv sync" in line]
    assert {"--only-group", "gateway", "tracing", "--locked"} <= set(sync.split())


def test_the_image_is_pinned_and_does_not_run_as_root() -> None:
    (python,) = re.findall(r"^ARG PYTHON=python:(\S+)$", DOCKERFILE, flags=re.MULTILINE)
    assert re.match(r"\d+\.\d+\.\d+-slim-", python)
    assert all(line.split()[0] == "${PYTHON}" for line in instructions("FROM"))
    assert instructions("USER") == [files.service("gateway")["user"]]
    security = files.pod("production", "gateway")["securityContext"]
    assert instructions("USER") == [f"{security['runAsUser']}:{security['runAsGroup']}"]
    assert instructions("EXPOSE") == [str(files.container("production", "gateway")["ports"][0]["containerPort"])]


def test_what_the_modules_import_is_installed() -> None:
    """The packages of the groups gateway and tracing are all that the image has."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    group = groups["gateway"] + groups["tracing"]
    there = {re.split(r"[\[=<>; ]", requirement, maxsplit=1)[0] for requirement in group}
    package = {"google": "protobuf", "tensorflow_metadata": "tensorflow-metadata", "pydantic_core": "pydantic",
               "grpc": "grpcio", "starlette": "fastapi", "opentelemetry": "opentelemetry-sdk"}  # fmt: skip
    imported = set()
    for path in filter(lambda path: is_sent(str(path.relative_to(ROOT))), (ROOT / "serving").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(str(node.module).partition(".")[0])
    needed = imported - set(sys.stdlib_module_names) - {"serving"}
    assert {"structlog", "grpc", "fastapi"} <= needed
    assert {package.get(module, module.replace("_", "-")) for module in needed} - there == set()
