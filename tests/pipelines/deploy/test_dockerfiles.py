"""The images of the pipeline and of Flink: what goes into them. `make test-images` builds the first and runs it."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from environment import uv
from environment.flink import packages
from tests.serving.deploy.test_image import DOCKERFILE as GATEWAY
from tests.serving.deploy.test_image import is_sent

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "pipelines" / "deploy"
PIPELINE, FLINK = ((DEPLOY / f"{name}.Dockerfile").read_text() for name in ("pipeline", "flink"))


def ignored(name: str) -> list[str]:
    return (DEPLOY / f"{name}.Dockerfile.dockerignore").read_text().split()


def instructions(dockerfile: str, name: str) -> list[str]:
    joined = dockerfile.replace("\\\n", " ")
    return [" ".join(line.split()) for line in re.findall(rf"^{name} (.+)$", joined, flags=re.MULTILINE)]


def test_what_is_sent_to_the_builder() -> None:
    needed = ["pyproject.toml", "uv.lock", "environment/sbom.py", "pipelines/__main__.py", "data/schema/taxi.pbtxt",
              "pipelines/engines/pool_worker", "pipelines/report/page.html.jinja", "serving/server/process.py",
              "components/tfrecords.py", "serving/deploy/compose.yaml",
              "serving/deploy/model_server/batching.config"]  # fmt: skip
    kept_out = [".git/config", ".venv/bin/python", "var/data/taxi/trips.csv", "tests/conftest.py",
                "docs/how-to/deploy.md",
                "environment/uv.py", "pipelines/deploy/pipeline.Dockerfile", "benchmarks/__init__.py",
                "pipelines/__pycache__/config.cpython-313.pyc"]  # fmt: skip
    assert [path for path in needed if not is_sent(path, ignored("pipeline"))] == []
    assert [path for path in kept_out if is_sent(path, ignored("pipeline"))] == []
    of_flink = ["environment/flink/pom.xml", "environment/flink/jars.sha256", "pipelines/deploy/job-server"]
    sent = [str(path.relative_to(ROOT)) for path in (ROOT / "environment").rglob("*") if path.is_file()]
    sent += [str(path.relative_to(ROOT)) for path in (ROOT / "pipelines").rglob("*") if path.is_file()]
    assert sorted(path for path in sent if is_sent(path, ignored("flink"))) == sorted(of_flink)


@pytest.mark.slow
def test_what_is_copied_is_enough_to_start(tmp_path: Path) -> None:
    """In a folder with what the image gets, the task and its files are found, whatever the working directory."""
    for line in instructions(PIPELINE, "COPY"):
        source, target = line.split()[-2:]
        if "--from" in line or target == "./":
            continue
        assert source == target
        for path in filter(Path.is_file, (ROOT / source).rglob("*")):
            name = path.relative_to(ROOT)
            if is_sent(str(name), ignored("pipeline")):
                (tmp_path / "app" / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, tmp_path / "app" / name)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "app")}
    load = "from pipelines.tasks.taxi.task import TASK; from pipelines.deployment import batch_sizes; import serving; "
    load += "print(TASK.contract.is_file(), batch_sizes()[0], serving.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", load], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == f"True 1 {tmp_path / 'app' / 'serving' / '__init__.py'}\n", done.stderr
    assert os.access(tmp_path / "app" / "pipelines" / "engines" / "pool_worker", os.X_OK)


def test_packages_are_the_locked_ones_and_none_is_for_developers() -> None:
    assert f"pip install --no-cache-dir uv=={uv.VERSION}" in PIPELINE
    (selected,) = re.findall(r'SELECTED="([^"]+)"', PIPELINE)
    groups = "--group gateway --group tracing --group mlflow --group kubeflow"
    assert selected == f"--locked --no-default-groups {groups}"
    for command in ("uv sync", "uv export"):  # the bill of materials is of what was installed
        (line,) = [line for line in instructions(PIPELINE, "RUN") if line.startswith(command)]
        assert line.startswith(f"{command} ${{SELECTED}} ${{GPU:+--extra gpu}} ")


def test_the_image_of_dataflow_takes_beams_program_of_the_locked_beam() -> None:
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    versions = [each["version"] for each in locked if each["name"] == "apache-beam"]
    portable, current = sorted(versions, key=lambda version: [int(part) for part in version.split(".")])
    page = (ROOT / "docs" / "how-to" / "vertex.md").read_text()
    assert re.findall(r"(beam_python[\d.]+_sdk:[\d.]+\d)", page) == [
        f"beam_python3.13_sdk:{current}",
        f"beam_python3.11_sdk:{portable}",
    ]
    assert 'ENTRYPOINT ["/opt/apache/beam/boot"]' in page
    assert "ARG PYTHON=python:3.13." in PIPELINE


def test_both_images_stand_on_the_same_python_and_only_the_first_stage_has_a_compiler() -> None:
    python = next(line for line in PIPELINE.splitlines() if line.startswith("ARG PYTHON="))
    assert python in GATEWAY.splitlines()
    first, last = PIPELINE.split("\nFROM ${PYTHON}\n")
    assert "apt-get install" in first
    assert instructions(last, "RUN") == ["mkdir /work && chown 65532:65532 /work"]


def test_it_does_not_run_as_root_and_takes_any_command() -> None:
    assert instructions(PIPELINE, "USER") == ["65532:65532"]
    assert instructions(PIPELINE, "ENTRYPOINT") == []
    (variables,) = [line for line in instructions(PIPELINE, "ENV") if "HOME" in line]
    assert {"HOME=/work", "PYTHONPATH=/app", "PATH=/opt/pipeline/bin:$PATH"} <= set(variables.split())


@pytest.mark.parametrize("dockerfile", [PIPELINE, FLINK, GATEWAY])
def test_labels_say_what_it_was_built_from_and_come_last(dockerfile: str) -> None:
    """What differs in every commit must not make the layers above anew."""
    (labels,) = instructions(dockerfile, "LABEL")
    assert 'org.opencontainers.image.revision="${REVISION}"' in labels
    steps = re.findall(r"^(ARG|COPY|ENV|LABEL|RUN|USER|CMD|ENTRYPOINT) ?(\w*)", dockerfile, flags=re.MULTILINE)
    assert steps[-3:] == [("ARG", "VERSION"), ("ARG", "REVISION"), ("LABEL", "org")]


def test_flinks_image_is_of_the_version_and_the_jars_that_tests_run() -> None:
    version = packages.FLINK.partition("==")[2]
    assert f"ARG FLINK=flink:{version}-java17\n" in FLINK
    assert "sha256sum --check --quiet --strict" in FLINK
    # Flink's own jar holds these: they may not lie beside it.
    (moved,) = re.findall(r"mv (.+) flink/", FLINK)
    assert moved.split() == [f"beam/{prefix}*" for prefix in packages._IN_FLINK]


@pytest.mark.slow
def test_the_job_servers_class_path_has_beams_own_flink_and_not_the_images(tmp_path: Path) -> None:
    script = (DEPLOY / "job-server").read_text().replace("/opt/", f"{tmp_path}/opt/")
    for name in ("flink/lib/flink-dist-1.19.3.jar", "flink/lib/beam-runner.jar", "flink/lib/log4j-core.jar",
                 "beam/flink/flink-core.jar"):  # fmt: skip
        (tmp_path / "opt" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "opt" / name).touch()
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text('#!/bin/sh\nfor each; do echo "$each"; done\n')
    java.chmod(0o755)
    (tmp_path / "job-server").write_text(script)
    done = subprocess.run(
        ["sh", tmp_path / "job-server", "--job-port=8099"],
        env={"PATH": f"{java.parent}:{os.defpath}"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    words = done.stdout.splitlines()
    assert words[-2:] == ["org.apache.beam.runners.flink.FlinkJobServerDriver", "--job-port=8099"]
    lib = tmp_path / "opt" / "flink" / "lib"
    assert words[words.index("-cp") + 1].split(":") == [
        str(lib / "beam-runner.jar"), str(lib / "log4j-core.jar"), f"{tmp_path}/opt/beam/flink/*",
    ]  # fmt: skip
